/** How a meter counts: what a file would say of it. */
export interface Terms {
  unit: 'second' | 'token' | 'request' | 'credit';
  models: readonly string[] | null;
  rounding: number | null;
  creditSeconds: number | null;
}

export interface Call {
  key: string;
  at: number;
  model: string | null;
  status: 'completed' | 'error';
  seconds: number;
  quantities: Readonly<Record<string, number>>;
}

/** In capitals or not. */
const matches = (written: string, told: string): boolean => {
  const [pattern, model] = [written.toLowerCase(), told.toLowerCase()];
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) {
    return pattern === model;
  }
  const last = rest.pop() ?? '';
  if (!model.startsWith(first) || model.length < first.length + last.length || !model.endsWith(last)) {
    return false;
  }
  let from = first.length;
  for (const part of rest) {
    const found = model.indexOf(part, from);
    if (found === -1 || found + part.length > model.length - last.length) {
      return false;
    }
    from = found + part.length;
  }
  return true;
};

const counts = ({ models }: Terms, model: string | null) =>
  models === null || (model !== null && models.some((pattern) => matches(pattern, model)));

/** Thousandths, so that nothing is lost. */
function quantityOf(meter: string, terms: Terms, call: Call): number {
  const told = call.quantities[meter] ?? call.quantities[`${terms.unit}s`];
  const own = () => {
    switch (terms.unit) {
      case 'second':
        return call.seconds * 1000;
      case 'token':
        return 0;
      case 'request':
        return call.status === 'error' ? 0 : 1000;
      case 'credit':
        return terms.creditSeconds === null ? 0 : (call.seconds * 1000) / terms.creditSeconds;
    }
  };
  const quantity = told === undefined ? own() : told * 1000;
  const step = terms.rounding === null ? 1 : terms.rounding * 1000;
  return terms.rounding === null ? Math.round(quantity) : Math.ceil(quantity / step) * step;
}

const monthOf = (at: number) => new Date(at).toISOString().slice(0, 7);
const monthEnd = (month: string) => {
  const date = new Date(`${month}-01T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + 1);
  return date.getTime();
};

/** Calls, and meters that change: what each has counted in each calendar month. */
export class MeterModel {
  readonly calls = new Map<string, Call>();
  readonly #terms: Map<string, { until: number; terms: Terms }[]>;
  readonly #resets = new Map<string, number>();

  constructor(meters: Readonly<Record<string, Terms>>) {
    this.#terms = new Map(
      Object.entries(meters).map(([key, terms]) => [key, [{ until: Number.POSITIVE_INFINITY, terms }]]),
    );
  }

  /** From now on, and for the month that runs. */
  change(meter: string, terms: Terms, now: number): void {
    const versions = this.#terms.get(meter) ?? [];
    const present = versions.at(-1);
    if (present !== undefined) {
      present.until = now;
      versions.push({ until: Number.POSITIVE_INFINITY, terms });
    }
  }

  present(meter: string): Terms {
    const found = this.#terms.get(meter)?.at(-1);
    if (found === undefined) {
      throw new Error(meter);
    }
    return found.terms;
  }

  /** Of meters that used nothing there is nothing to take off, and nothing is kept of it. */
  reset(now: number): void {
    const month = monthOf(now);
    const used = [...this.#terms.keys()].filter((meter) => this.used(meter, month) > 0);
    for (const meter of used) {
      this.#resets.set(`${meter} ${month}`, now);
    }
  }

  /** When what counts on every meter in the month of an instant began. */
  since(at: number): number {
    return Math.max(0, ...[...this.#terms.keys()].map((meter) => this.#since(meter, monthOf(at))));
  }

  #since(meter: string, month: string): number {
    return this.#resets.get(`${meter} ${month}`) ?? 0;
  }

  /** What a meter has used of a month, in thousandths. */
  used(meter: string, month: string): number {
    const terms = this.#terms.get(meter)?.find(({ until }) => monthEnd(month) <= until)?.terms;
    const since = this.#since(meter, month);
    return [...this.calls.values()]
      .filter(
        ({ at, model }) =>
          monthOf(at) === month && at >= since && terms !== undefined && counts(terms, model),
      )
      .reduce((sum, call) => sum + (terms === undefined ? 0 : quantityOf(meter, terms, call)), 0);
  }
}
