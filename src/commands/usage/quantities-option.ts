import { repeated } from '../../declarations/option.ts';
import { usageError } from '../../errors.ts';
import { decimalWithin } from '../../values/decimal.ts';

const number = decimalWithin(3);

/** `tokens=1830`: what else a call takes, by unit or meter; which there are, the database says. */
function parseOther(text: string): readonly [name: string, quantity: string] {
  const [, name = '', typed = ''] = /^([^=]+)=(.*)$/.exec(text.trim()) ?? [];
  const quantity = number.parse(typed);
  if (name === '' || quantity === null) {
    throw usageError(`"${text}" is no quantity of a unit or a meter`, {
      suggestion: 'write it like tokens=1830',
    });
  }
  return [name, quantity];
}

/** Of commands that tell, or ask for, more than one quantity of a call. */
export const quantitiesOption = {
  also: repeated('name=n', 'what else it takes, by unit or meter: tokens=1830; can be repeated', parseOther),
};

/** Undefined: nothing else. */
export const quantitiesOf = (
  also: readonly (readonly [string, string])[] | undefined,
): Record<string, string> | undefined => (also === undefined ? undefined : Object.fromEntries(also));
