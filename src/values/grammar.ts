/** Why a text is no value of its kind - words that follow the quoted text - and how to write one. */
export interface Problem {
  reason: string;
  suggestion: string;
}

/** How the values of one kind are written. Flags, files and plans take the same texts and refuse with the same words. */
export interface Grammar<T> {
  /** Null: the text is none. Blanks around a value count as nothing. */
  parse(text: string): T | null;
  /** Of a text that `parse` refuses. */
  describeProblem(text: string): Problem;
}
