import { askedArgument, optionalArgument, restArguments, value } from './option.ts';

const description = 'id, external id or email';

/** `<user>` of commands about one user. */
export const userArgument = { user: askedArgument(description) };

/** `[user]` of commands about one user or everybody. */
export const anyUserArgument = { user: optionalArgument(description) };

/** `[users...]` of commands about several users, or those that an option names. */
export const usersArgument = { users: restArguments(description) };

/** `--user` of commands that look at everybody without it. */
export const userOption = { user: value('user', `only this user: ${description}`) };
