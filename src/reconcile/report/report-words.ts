import type { Kind } from '../match/kinds.ts';

/** What a kind is called in a report, and one sentence for who has never heard of this program. */
export const kindWords: Readonly<Record<Kind, { title: string; sentence: string }>> = {
  matched: {
    title: 'Billed as logged',
    sentence: 'The bill and our records agree, within the small differences that the rules below allow.',
  },
  unlogged: {
    title: 'Billed, not logged',
    sentence:
      'The provider charged for these calls, but our records do not have them: either our app failed to record them, or we are charged for calls that were not ours.',
  },
  unbilled: {
    title: 'Logged, not billed',
    sentence:
      'Our records have these calls, but the bill does not: the provider may still charge for them, or did not count them.',
  },
  duplicate_line: {
    title: 'Billed more than once',
    sentence:
      'The bill names these calls again, after it or an earlier bill has named them before; paying the bill as it stands would pay for them twice.',
  },
  duration_mismatch: {
    title: 'Billed for another duration',
    sentence: 'The bill and our records disagree about how long these calls took.',
  },
  cost_mismatch: {
    title: 'Billed at another cost',
    sentence: 'The bill and our records agree about how long these calls took, but not about what they cost.',
  },
  attribution_mismatch: {
    title: 'Logged for another user',
    sentence:
      'The assistant that took the call belongs to one user, our record names another: the allowance of the wrong user was used.',
  },
  aggregate_mismatch: {
    title: 'Sums of days that differ',
    sentence: 'The bill only gives sums per day and model; these differ from the sums of our records.',
  },
  unsettled: {
    title: 'Not ended yet',
    sentence:
      'These calls were still running when the bill was exported or logged, so their cost is not final.',
  },
  not_connected: {
    title: 'Never connected',
    sentence: 'These calls were attempted, never began, and nothing was charged for them.',
  },
  fee: {
    title: 'Fees and credits',
    sentence: 'Charges and credits that belong to no call: subscriptions, purchases, taxes, refunds.',
  },
  outside_month: {
    title: 'Of another month',
    sentence:
      'These lines are in the files, but their calls began in another month; they belong to the bill of that month.',
  },
};

/** In which order a report goes through them: first what costs money, last what is explained. */
export const reportOrder: readonly Kind[] = [
  'unlogged',
  'duplicate_line',
  'duration_mismatch',
  'cost_mismatch',
  'unbilled',
  'attribution_mismatch',
  'aggregate_mismatch',
  'unsettled',
];

/** A provider as a person writes it. */
const providerNames: Readonly<Record<string, string>> = {
  vapi: 'VAPI',
  heygen: 'HeyGen',
  liveavatar: 'LiveAvatar',
  openai: 'OpenAI',
  anthropic: 'Anthropic',
};

export const providerText = (provider: string): string => providerNames[provider] ?? provider;

/** `1 call`, `2 calls` */
export const counted = (count: string, one: string, many: string): string =>
  `${count} ${count === '1' ? one : many}`;
