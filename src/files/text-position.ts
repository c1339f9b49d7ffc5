/** Counts lines while a text is read from front to back in pieces. Every line end is searched for once. */
export class TextPosition {
  /** Index of the next character to be read. */
  at = 0;
  /** The 1-based line on which it stands. */
  line = 1;
  #text = '';
  #lineStart = 0;
  #newline = -1;

  /** Goes on in another text, which begins with what the last one has left. */
  continueIn(text: string): void {
    this.#text = text;
    this.#lineStart -= this.at;
    this.at = 0;
    this.#newline = -1;
  }

  /** Moves forward to an index. */
  moveTo(at: number): void {
    if (this.#newline < this.at) {
      this.#newline = this.lineEnd(this.at);
    }
    while (this.#newline < at) {
      this.line += 1;
      this.#lineStart = this.#newline + 1;
      this.#newline = this.lineEnd(this.#lineStart);
    }
    this.at = at;
  }

  /** Index of the next line end at or after an index; Infinity if the text has none. */
  lineEnd(at: number): number {
    const found = this.#text.indexOf('\n', at);
    return found === -1 ? Number.POSITIVE_INFINITY : found;
  }

  /** Line and 1-based column of an index that is not before `at`. */
  placeOf(at: number): { line: number; column: number } {
    let line = this.line;
    let lineStart = this.#lineStart;
    for (let end = this.lineEnd(this.at); end < at; end = this.lineEnd(lineStart)) {
      line += 1;
      lineStart = end + 1;
    }
    return { line, column: at - lineStart + 1 };
  }
}
