/**
 * Text from users and providers can carry terminal escapes, bidirectional overrides and line breaks; none of
 * them may reach a terminal or a page.
 */
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
const controls = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** One line of text without control characters. */
export function printable(text: string): string {
  return text
    .replace(escapes, '')
    .replace(/[\n\r\t]+/g, ' ')
    .replace(controls, '');
}
