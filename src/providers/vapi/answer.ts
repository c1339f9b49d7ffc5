/** More of an error's words than this helps nobody and floods a log. */
const wordsLengthMax = 500;

/** A body that was read: its JSON value, or the raw text when it is not JSON. */
export type VapiBody = { json: unknown } | { text: string };

/** Reads a body that should be JSON but need not be: Cloudflare in front of VAPI answers in HTML. */
export function readBody(text: string): VapiBody {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return { text };
  }
}

/**
 * The words of an error answer, one per complaint, fit for a terminal. VAPI (Nest) sends
 * `{message: string | string[], error, statusCode}`; HTML is reduced to its title, anything else to its start.
 */
export function errorWords(body: VapiBody, statusText: string): string[] {
  const found = 'json' in body ? jsonWords(body.json) : [textWords(body.text)];
  const words = found.map(printable).filter((text) => text !== '');
  return words.length > 0 ? words : [printable(statusText) || 'no explanation given'];
}

/** Whether a body is a web page rather than an answer of an API. */
export function isHtml(body: VapiBody): boolean {
  return 'text' in body && /^\s*<(!doctype|html|head|body)/i.test(body.text);
}

function jsonWords(json: unknown): string[] {
  if (typeof json === 'string') {
    return [json];
  }
  if (typeof json !== 'object' || json === null) {
    return [];
  }
  const { message, error } = json as { message?: unknown; error?: unknown };
  const said = message ?? error;
  if (Array.isArray(said)) {
    return said.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
  }
  if (typeof said === 'string') {
    return [said];
  }
  return [JSON.stringify(said ?? json)];
}

function textWords(text: string): string {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1];
  return title ?? text.replace(/<[^>]*>/g, ' ');
}

/** Control characters would let a provider's text drive the terminal it is printed on. */
function printable(text: string): string {
  const flat = text
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return flat.length > wordsLengthMax ? `${flat.slice(0, wordsLengthMax)}…` : flat;
}
