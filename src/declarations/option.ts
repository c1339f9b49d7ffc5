/**
 * What a command line can hold, as data. A command names its options and arguments by the properties of an object:
 * the property `toOriginalOf` is the flag `--to-original-of`, and the handler finds the parsed value under the same
 * name, with the type that follows from the declaration.
 */

/** Turns the text on the command line into a value. @throws usageError */
export type Parse<Value> = (text: string) => Value;

/** A flag and what follows it. `Value` is what the handler gets; with undefined in it the option can be left out. */
export interface OptionDeclaration<Value = unknown> {
  readonly kind: 'flag' | 'negated' | 'value' | 'repeated' | 'bareOrValue';
  readonly description: string;
  /** What stands for the value in the help: `month`. Undefined: a flag without one. */
  readonly placeholder?: string;
  readonly parse?: Parse<unknown>;
  /** The words that `parse` takes, where they are few. */
  readonly choices?: readonly string[];
  readonly isRequired?: boolean;
  /** Required, but a person at a terminal is asked for what is missing. */
  readonly isAsked?: true;
  /** One letter: `o` for `-o`. */
  readonly short?: string;
  /** Never there at run time: carries the type. */
  readonly value?: Value;
}

/** A word of the command line that is no option. */
export interface ArgumentDeclaration<Value = unknown> {
  readonly kind: 'required' | 'optional' | 'rest';
  readonly description: string;
  readonly parse?: Parse<unknown>;
  /** The words that `parse` takes, where they are few. */
  readonly choices?: readonly string[];
  /** Required, but a person at a terminal is asked for what is missing. */
  readonly isAsked?: true;
  /** Never there at run time: carries the type. */
  readonly value?: Value;
}

export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>;
export type ArgumentDeclarations = Readonly<Record<string, ArgumentDeclaration>>;

type ValueOf<Declaration> = Declaration extends { readonly value?: infer Value } ? Value : never;
type OptionalKeys<Declarations> = {
  [Key in keyof Declarations]: undefined extends ValueOf<Declarations[Key]> ? Key : never;
}[keyof Declarations];

/** The values that a handler gets for its declarations. */
export type Given<Declarations> = {
  [Key in Exclude<keyof Declarations, OptionalKeys<Declarations>>]: ValueOf<Declarations[Key]>;
} & { [Key in OptionalKeys<Declarations>]?: Exclude<ValueOf<Declarations[Key]>, undefined> };

interface Short {
  short: string;
}

/** `--exceeded`: there or not. */
export const flag = (description: string, extra?: Short): OptionDeclaration<boolean | undefined> => ({
  kind: 'flag',
  description,
  ...extra,
});

/** `--no-sync` for the property `sync`, which is true without it. */
export const negated = (description: string): OptionDeclaration<boolean | undefined> => ({
  kind: 'negated',
  description,
});

const asTyped = (text: string) => text;

/** `--service <service>`, with the text as typed or as `parse` understands it. */
export function value(
  placeholder: string,
  description: string,
  parse?: undefined,
  extra?: Short,
): OptionDeclaration<string | undefined>;
export function value<Value>(
  placeholder: string,
  description: string,
  parse: Parse<Value>,
  extra?: Short,
): OptionDeclaration<Value | undefined>;
export function value(
  placeholder: string,
  description: string,
  parse: Parse<unknown> = asTyped,
  extra?: Short,
): OptionDeclaration {
  return { kind: 'value', placeholder, description, parse, ...extra };
}

/** `--json`, or `--json=fields`: bare, `parse` gets an empty text. */
export const bareOrValue = <Value>(
  placeholder: string,
  description: string,
  parse: Parse<Value>,
): OptionDeclaration<Value | undefined> => ({ kind: 'bareOrValue', placeholder, description, parse });

/** The same for an option without which the command does not run. */
export function requiredValue(placeholder: string, description: string): OptionDeclaration<string>;
export function requiredValue<Value>(
  placeholder: string,
  description: string,
  parse: Parse<Value>,
): OptionDeclaration<Value>;
export function requiredValue(
  placeholder: string,
  description: string,
  parse: Parse<unknown> = asTyped,
): OptionDeclaration {
  return { kind: 'value', placeholder, description, parse, isRequired: true };
}

/** The same for an option that a person is asked for. */
export const askedValue = <Value>(
  placeholder: string,
  description: string,
  parse: Parse<Value>,
): OptionDeclaration<Value | undefined> => ({
  ...requiredValue(placeholder, description, parse),
  isAsked: true,
});

/** An option that can be given more than once. */
export function repeated(placeholder: string, description: string): OptionDeclaration<string[] | undefined>;
export function repeated<Value>(
  placeholder: string,
  description: string,
  parse: Parse<Value>,
): OptionDeclaration<Value[] | undefined>;
export function repeated(
  placeholder: string,
  description: string,
  parse: Parse<unknown> = asTyped,
): OptionDeclaration {
  return { kind: 'repeated', placeholder, description, parse };
}

/** `<user>`, which has to be given. */
export function argument(description: string): ArgumentDeclaration<string>;
export function argument<Value>(description: string, parse: Parse<Value>): ArgumentDeclaration<Value>;
export function argument(description: string, parse: Parse<unknown> = asTyped): ArgumentDeclaration {
  return { kind: 'required', description, parse };
}

/** `<user>`, which a person is asked for: undefined then, and only where the context can guide. */
export const askedArgument = (
  description: string,
  parse: Parse<string> = asTyped,
): ArgumentDeclaration<string | undefined> => ({ kind: 'required', description, parse, isAsked: true });

/** `[user]`, which can be left out. */
export function optionalArgument(description: string): ArgumentDeclaration<string | undefined>;
export function optionalArgument<Value>(
  description: string,
  parse: Parse<Value>,
): ArgumentDeclaration<Value | undefined>;
export function optionalArgument(description: string, parse: Parse<unknown> = asTyped): ArgumentDeclaration {
  return { kind: 'optional', description, parse };
}

/** `[ids...]`: all words that are left, or none. */
export const restArguments = (description: string): ArgumentDeclaration<string[]> => ({
  kind: 'rest',
  description,
});
