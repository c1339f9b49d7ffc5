import type { Style } from '../context.ts';
import type { AssistantState, AssistantStatus } from '../usage/usage.ts';

/** A plan allows a few; an import can bring thousands. All of them are in --json. */
const listedMax = 20;

/** Limited, waiting and failed assistants first, each in a line; how many there are in the last. */
export function assistantsText(assistants: readonly AssistantState[], style: Style): string[] {
  const lines = assistants
    .map((assistant) => ({ assistant, word: standingOf(assistant) }))
    .sort((a, b) => order.indexOf(a.word) - order.indexOf(b.word))
    .map(({ assistant, word }) => assistantText(assistant, word, style));
  const more = lines.length - listedMax;
  return more > 0 ? [...lines.slice(0, listedMax), `    and ${more} more: see --json`] : lines;
}

/** What support wants to know of an assistant, in the order of urgency. */
const order = [
  'limit failed',
  'restore failed',
  'limited',
  'limit queued',
  'restore queued',
  'not limited',
  'by the gate',
  'gone',
] as const;
type Standing = (typeof order)[number];

/** The state of an assistant in words: what is wanted, and how far it has come. */
function standing({ desired, status }: Pick<AssistantState, 'desired' | 'status'>): Standing {
  const wanted = desired === 'limited' ? 'limit' : 'restore';
  switch (status) {
    case 'failed':
      return `${wanted} failed`;
    case 'pending':
      return `${wanted} queued`;
    case 'applied':
      return 'limited';
    case 'gone':
      return 'gone';
    case 'restored':
    case 'untouched':
      return 'not limited';
  }
}

/** An assistant that is gated and was limited before is restored first. */
const standingOf = (assistant: AssistantState): Standing => {
  const word = standing(assistant);
  return assistant.gated && word === 'not limited' ? 'by the gate' : word;
};

function assistantText(
  { providerAssistantId, name, held, lastError }: AssistantState,
  word: Standing,
  style: Style,
): string {
  const color = colorOf(word, style);
  const title = name === null ? '' : `  ${name}`;
  const error = lastError === null ? '' : style.red(`  ${lastError}`);
  const hand = held === null ? '' : style.dim('  by hand');
  return `    ${color(word.padEnd(longest))}  ${providerAssistantId}${style.dim(title)}${hand}${error}`;
}

const longest = Math.max(...order.map((word) => word.length));

function colorOf(word: Standing, style: Style) {
  if (word.endsWith('failed')) {
    return style.red;
  }
  return word === 'not limited' || word === 'by the gate' || word === 'gone' ? style.dim : style.yellow;
}

/** What became of the assistants that a change frees, or limits. */
export const assistantLines = (
  assistants: readonly {
    providerAssistantId: string;
    /** Left out: freed. */
    desired?: AssistantState['desired'];
    status: AssistantStatus;
    error: string | null;
  }[],
  style: Style,
): string[] =>
  assistants.map(
    ({ providerAssistantId, desired = 'original', status, error }) =>
      `    ${standing({ desired, status })}  ${providerAssistantId}${error === null ? '' : style.red(`  ${error}`)}`,
  );
