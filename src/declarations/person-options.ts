import { usageError } from '../errors.ts';
import { parseInstant } from '../values/option-values.ts';
import { value } from './option.ts';

const textLengthMax = 200;

/**
 * What names a person: 1 to 200 characters, without the spaces around them.
 * @throws usageError
 */
export function parsePersonText(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > textLengthMax || trimmed.includes('\u0000')) {
    throw usageError(`a text of 1 to ${textLengthMax} characters is needed`, {
      suggestion: 'give another value',
    });
  }
  return trimmed;
}

/** What is known of a user. */
export const personOptions = {
  email: value('email', 'the email', parsePersonText),
  name: value('name', 'the name', parsePersonText),
  timezone: value(
    'zone',
    'time zone, like Europe/Berlin; periods are cut by it, no allowance is given twice',
  ),
  signup: value('instant', 'when the user signed up: anniversary periods are reckoned from it', parseInstant),
};
