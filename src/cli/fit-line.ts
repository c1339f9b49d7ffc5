/** Characters that take two places on a terminal: of East Asian scripts, and pictures. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\uff01-\uff60]/u;
/** Characters that take none: marks upon others. */
const none = /\p{Mark}|[\u200b-\u200d]/u;

const widthOf = (character: string) => (none.test(character) ? 0 : wide.test(character) ? 2 : 1);

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
