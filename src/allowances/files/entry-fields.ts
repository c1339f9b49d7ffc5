import type { Path, PlanProblem } from './plan-document.ts';
import type { FieldReader } from './plan-fields.ts';

/** A part of a file that has fields: a plan, the terms of a meter. */
export interface Entry {
  path: Path;
  /** From the map that it stands in. */
  key: string | undefined;
  value: unknown;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list, or a map by key. */
export function entriesOf(value: unknown, path: Path, what: string, problems: PlanProblem[]): Entry[] {
  const entries = Array.isArray(value)
    ? value.map((element, index) => ({ path: [...path, index], key: undefined, value: element }))
    : isRecord(value)
      ? Object.entries(value).map(([key, element]) => ({ path: [...path, key], key, value: element }))
      : [];
  if (entries.length === 0 && (what !== 'limits' || (value !== null && typeof value !== 'object'))) {
    problems.push({ path, message: `must be ${what} by key, or a list of ${what}` });
  }
  return entries;
}

/** The fields of an object by their snake_case names; `limitQuantity` is `limit_quantity`. */
export class EntryFields {
  readonly path: Path;
  readonly #problems: PlanProblem[];
  readonly #values = new Map<string, { value: unknown; path: Path }>();

  constructor(
    value: Record<string, unknown>,
    path: Path,
    problems: PlanProblem[],
    aliases: Record<string, string>,
  ) {
    this.path = path;
    this.#problems = problems;
    for (const [name, element] of Object.entries(value)) {
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      this.#values.set(aliases[snake] ?? snake, { value: element, path: [...path, name] });
    }
  }

  fail(path: Path, message: string): undefined {
    this.#problems.push({ path, message });
  }

  place(name: string): Path {
    return this.#values.get(name)?.path ?? this.path;
  }

  /** Whether something is said under a name: null counts as left out. To be asked before it is taken. */
  has(name: string): boolean {
    return (this.#values.get(name)?.value ?? null) !== null;
  }

  /** Taken once; what is left over is unknown. Null counts as left out. */
  take<T, D>(name: string, read: FieldReader<T>, absent: D): T | D | undefined {
    const found = this.#values.get(name);
    this.#values.delete(name);
    return found === undefined || found.value === null
      ? absent
      : read(found.value, (message) => this.fail(found.path, message));
  }

  refuseRest(names: readonly string[]): void {
    for (const { path } of this.#values.values()) {
      this.fail(path, `there is no such field; known are ${names.join(', ')}`);
    }
  }
}
