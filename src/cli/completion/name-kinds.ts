/** What only the database knows the names of. */
export type NameKind = 'users' | 'plans' | 'meters' | 'months' | 'assistants' | 'services';

const kinds: Readonly<Record<string, NameKind>> = {
  user: 'users',
  users: 'users',
  plan: 'plans',
  meter: 'meters',
  month: 'months',
  assistant: 'assistants',
  assistants: 'assistants',
  service: 'services',
};

/** By the name of an argument, or of what stands for the value of an option: `user`, `month`. */
export const nameKindOf = (name: string): NameKind | undefined => kinds[name.replace(/\.\.\.$/, '')];
