import { exitCodes, QuotaError } from '../../errors.ts';
import type { ReadingGuess } from './guess-reading.ts';

export interface UnknownColumnsFacts {
  /** As given, or `stdin`. */
  file: string;
  guess: ReadingGuess;
  /** Nothing says whose bill it is. */
  lacksProvider: boolean;
  /** The command that reads the file, as far as it can be guessed. */
  suggestion: string;
}

/** A file whose columns nobody knows (exit 65), with what is guessed of them: a person may be asked. */
export class UnknownColumns extends QuotaError {
  readonly file: string;
  readonly guess: ReadingGuess;
  readonly lacksProvider: boolean;

  constructor(message: string, { file, guess, lacksProvider, suggestion }: UnknownColumnsFacts) {
    super('bad_input', exitCodes.badInput, message, { suggestion });
    this.file = file;
    this.guess = guess;
    this.lacksProvider = lacksProvider;
  }
}
