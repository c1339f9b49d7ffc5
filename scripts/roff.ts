/** The few pieces of man(7) that a page is made of. Text goes through `roff` once, before it is put into one. */

/** Text as it is read: no request, no escape, and a minus that can be copied. */
export const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^\./gm, '\\&.')
    .replace(
      /[^\u0000-\u007f]/g,
      (character) => `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    );

export const bold = (text: string): string => `\\fB${text}\\fR`;
export const italic = (text: string): string => `\\fI${text}\\fR`;

export const section = (title: string, body: string): string => `.SH ${title.toUpperCase()}\n${body}`;
export const subsection = (title: string): string => `.SS ${title}`;

/** A word, and indented below it what it means. */
export const tagged = (tag: string, text: string): string => `.TP\n${tag}\n${text}`;

/** Paragraphs between empty lines; one with columns or indented lines keeps its lines. */
export const paragraphs = (text: string): string =>
  text
    .trim()
    .split(/\n{2,}/)
    .map((part) => (/^ | {2}\S/m.test(part) ? `.nf\n${roff(part)}\n.fi` : roff(part)))
    .join('\n.PP\n');

/** Names of formats and commands are not to be split. */
export const unhyphenated = '.nh\n.ad l';
