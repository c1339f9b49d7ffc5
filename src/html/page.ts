import { Html, html, noHtml } from './html.ts';
import { pageStyle } from './page-style.ts';

/** One page that needs nothing else: no script, no font, no picture from elsewhere. It asks nobody for anything. */
export const page = ({
  title,
  company,
  body,
}: {
  title: string;
  /** Whose page it is, above everything. */
  company?: string | undefined;
  body: Html | readonly Html[];
}): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>${company === undefined ? title : `${company}: ${title}`}</title>
<style>${new Html(pageStyle)}</style>
</head>
<body>
${
  company === undefined
    ? noHtml
    : html`<div class="company">${company}</div>
`
}${body}
</body>
</html>
`;
