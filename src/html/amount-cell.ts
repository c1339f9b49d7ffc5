import { amountText, isRounded, signedText } from '../values/amount.ts';
import { type HtmlValue, html } from './html.ts';

/** An amount as `amountText` writes it; one that is rounded for reading keeps its exact value beside it. */
export const amountCell = (decimal: string, scale = 2): HtmlValue =>
  exactBeside(decimal, amountText(decimal, scale));

/** The same with its sign. */
export const signedCell = (decimal: string, scale = 2): HtmlValue =>
  exactBeside(decimal, signedText(decimal, scale));

const exactBeside = (decimal: string, text: string): HtmlValue =>
  isRounded(decimal) ? html`<data value="${decimal}" title="${decimal}">${text}</data>` : text;
