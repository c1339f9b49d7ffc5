import { refusedError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';

/** The assistant was limited by somebody else, and what it had before is not known: nothing is sent. */
export const unknownOriginalError = (user: string, telltale: string) =>
  refusedError(`original unknown: the assistant is limited already, but not by quota (${telltale})`, {
    suggestion: `give its values with quota limits restore ${shellWord(user)} --set FIELD=VALUE, or find them with --originals FILE`,
  });
