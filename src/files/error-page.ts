/** What a browser or a script saves under the name of an export when the download failed. */

const titleShownMax = 80;

/**
 * Whether a text is a page or an answer in markup, and what it says of itself: `is a web page, "502 Bad Gateway"`. Null
 * if it is neither.
 */
export function describeMarkup(text: string): { reason: string; suggestion: string } | null {
  const start = text.trimStart();
  if (!/^<(?:!doctype|html|head|body|\?xml|[A-Za-z][\w:-]*[\s>])/i.test(start)) {
    return null;
  }
  const isPage = /<html|<!doctype html|<head|<body/i.test(start.slice(0, 2000));
  const [, title = ''] = /<(?:title|h1|Message|Code)[^>]*>([^<]+)</i.exec(start) ?? [];
  const words = title.replace(/\s+/g, ' ').trim().slice(0, titleShownMax);
  return {
    reason: `the file is ${isPage ? 'a web page' : 'XML'}${words === '' ? '' : `, "${words}"`}, not an export`,
    suggestion: 'the download failed, or the login had expired: download it again',
  };
}
