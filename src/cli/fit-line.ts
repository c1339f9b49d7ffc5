/**
 * How many places a character takes on a terminal: none, if it is a mark upon another; two, if it is of an East Asian script
 * or a picture. Both expressions take a millisecond to be made, so that ASCII does without.
 */
function widthOf(character: string): number {
  if (character <= '~') {
    return 1;
  }
  if (/\p{Mark}|[\u200b-\u200d]/u.test(character)) {
    return 0;
  }
  const wide =
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\uff01-\uff60]/u;
  return wide.test(character) ? 2 : 1;
}

/** How many places a line takes on a terminal. */
export const lineWidth = (line: string): number =>
  Array.from(line).reduce((sum, character) => sum + widthOf(character), 0);

/** As much of a line as fits into a width, with an ellipsis where that is not all. */
export function fitLine(line: string, width: number): string {
  const characters = Array.from(line);
  let used = 0;
  if (lineWidth(line) <= width) {
    return line;
  }
  const end = characters.findIndex((character) => {
    used += widthOf(character);
    return used > width - 1;
  });
  return `${characters.slice(0, end).join('').trimEnd()}…`;
}
