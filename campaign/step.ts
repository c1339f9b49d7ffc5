/**
 * What strikes while a step goes on, `afterMs` after its begin. `kill`: SIGKILL to the command; `terminate`: the server ends the
 * sessions of the command or of the app; `cut`: the app's socket is destroyed; `break`: the line between the command and the
 * server breaks; `stall`: nothing comes through it for some seconds; `crash`: SIGKILL to the postmaster; `stop`: its immediate
 * shutdown.
 */
export type FaultKind = 'kill' | 'terminate' | 'cut' | 'break' | 'stall' | 'crash' | 'stop';

export interface Fault {
  kind: FaultKind;
  /** Drawn: which share of the usual length of such a step. */
  share: number;
  /** Set when the step is first played, kept for replays. */
  afterMs?: number;
}

export interface Params {
  readonly [name: string]: string | number | boolean | null;
}

/** One thing that is done, as it is written to the history: nothing else is needed to do it again. */
export interface Step {
  n: number;
  /** The clock of the step, an instant. */
  at: string;
  kind: string;
  params: Params;
  fault?: Fault;
  /** The command is given no URL, finds the embedded server by itself, and starts it if it is gone. */
  isEmbedded?: boolean;
  /** What is done at the same time, each from a connection or process of its own. */
  beside?: Step[];
  /** The server is struck while others do theirs: then this one may break, too. */
  isShaken?: boolean;
}

/** What the doer was told. `unknown`: it was killed, or the answer was lost; what has become of it is in the database alone. */
export interface Told {
  result: 'done' | 'refused' | 'unknown';
  words: string;
  answer?: { readonly [field: string]: unknown } | undefined;
}

/** Whether an answer may be lost. */
export const mayBreak = ({ fault, isShaken }: Step) => fault !== undefined || isShaken === true;

/** The key or reason of a step, by which its effect is found. */
export const keyOf = ({ n }: Pick<Step, 'n'>) => `step-${n}`;

/** What is wrong with an effect that is there, or not, after what was told. */
export function contradiction(step: Step, told: Told, isThere: boolean): string[] {
  if (told.result === 'unknown' || isThere === (told.result === 'done')) {
    return [];
  }
  const what =
    told.result === 'done' ? 'was told to be done and has left nothing' : 'was refused and is there';
  return [`step ${step.n} (${step.kind}) ${what}: ${told.words}`];
}
