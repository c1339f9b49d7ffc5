/**
 * Text from users and providers can carry terminal escapes, overrides of the writing direction and line breaks; none of
 * them may reach a terminal or a page.
 */
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
const lineBreaks = /[\n\r\t\u2028\u2029]+/g;
/** C0, C1, overrides and isolates of direction, what annotates or tags text without being seen. */
const controls = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** One line of text without control characters. */
export function printable(text: string): string {
  return text.replace(escapes, '').replace(lineBreaks, ' ').replace(controls, '');
}

/** The same for text of several lines, which stay lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');
