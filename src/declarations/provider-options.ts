import { parseDurationSeconds, parseInteger, parseRate } from '../values/option-values.ts';
import { negated, value } from './option.ts';

/** What every command has that works at VAPI. */
export const providerOptions = {
  rate: value('n', 'requests to VAPI per second (default: 5)', parseRate),
  concurrency: value('n', 'assistants worked on at once (default: 5)', parseInteger({ max: 50 })),
  attempts: value('n', 'how often a request is sent at most (default: 5)', parseInteger({ max: 10 })),
  acceptGone: value(
    'n',
    'so many assistants that VAPI does not know are taken for deleted; more stop the run (default: 5)',
    parseInteger({ min: 0, max: 1_000_000 }),
  ),
  limitedState: value('file', 'JSON or YAML file with the fields of a limited assistant'),
};

/** What every command has that queues work for VAPI and does it at once. */
export const drainOptions = {
  ...providerOptions,
  sync: negated('only queue what is to be done at VAPI; quota limits sync does it'),
};

/** Of commands that look at limited assistants again. */
export const recheckOptions = {
  recheckAfter: value(
    'time',
    'look only at limited assistants that nobody looked at for so long (default: all)',
    parseDurationSeconds,
  ),
};
