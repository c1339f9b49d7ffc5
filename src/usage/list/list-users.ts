import type pg from 'pg';
import { notFoundError, usageError } from '../../errors.ts';
import type { UserListEntry, UserListOrder, UserListRequest } from './user-list.ts';
import { type ListPosition, type PlacedEntry, selectPlanNames, selectUserList } from './user-list-store.ts';

export interface UserPage {
  users: UserListEntry[];
  /** For `--after`; null: this is the last page. */
  next: string | null;
}

/** Where the entries of a page stand: what `next` would be behind each. */
export interface PlacedPage extends UserPage {
  positions: ListPosition[];
}

/**
 * One page of the list. `request.limit` is required to bound it.
 * @throws as `openUserList`
 */
export async function readUserPage(
  client: pg.ClientBase,
  request: UserListRequest & { limit: number },
): Promise<PlacedPage> {
  const placed: PlacedEntry[] = [];
  for await (const entry of await openUserList(client, { ...request, limit: request.limit + 1 })) {
    placed.push(entry);
  }
  const page = placed.slice(0, request.limit);
  const last = page.at(-1);
  return {
    users: page.map(({ entry }) => entry),
    positions: page.map(({ position }) => position),
    next:
      last !== undefined && placed.length > page.length ? formatPosition(last.position, request.order) : null,
  };
}

/**
 * The list in its order, in bounded memory.
 * @throws notFoundError on an unknown plan or service; usageError when `after` is not the `next` of a page.
 */
export async function openUserList(
  client: pg.ClientBase,
  request: UserListRequest,
): Promise<AsyncGenerator<PlacedEntry>> {
  const after = request.after === undefined ? undefined : parsePosition(request.after, request.order);
  await requireKnown(client, request);
  return selectUserList(client, request, after);
}

async function requireKnown(client: pg.ClientBase, { services, plans }: UserListRequest): Promise<void> {
  if (services.length + plans.length === 0) {
    return;
  }
  const known = await selectPlanNames(client);
  const require = (kind: string, names: readonly string[], all: string[]) => {
    const unknown = names.find((name) => !all.includes(name));
    if (unknown !== undefined) {
      throw notFoundError(`no ${kind} "${unknown}"`, {
        suggestion: `the ${kind}s are ${[...new Set(all)].join(', ')}`,
      });
    }
  };
  require('service', services, known.map(({ service }) => service));
  require('plan', plans, known.map(({ plan }) => plan));
}

/** `ada/voice`; in the order of percent `97.50/ID/voice`. */
export function formatPosition({ percent, name, service }: ListPosition, order: UserListOrder): string {
  return order === 'percent' ? `${percent}/${name}/${service}` : `${name}/${service}`;
}

const positions = {
  name: { pattern: /^(.+)\/([^/]*)$/s, example: 'ada/voice' },
  percent: {
    pattern: /^(-?\d+(?:\.\d+)?)\/([0-9a-f-]{36})\/([^/]*)$/,
    example: '97.50/0e7afc8e-5ad3-4554-92a0-ca0926244694/voice',
  },
};

function parsePosition(text: string, order: UserListOrder): ListPosition {
  const { pattern, example } = positions[order];
  const match = pattern.exec(text);
  if (match === null) {
    throw usageError(`--after: "${text}" is not where a page in this order ends`, {
      suggestion: `write it as the page before gave it, like ${example}`,
    });
  }
  const [service = '', name = '', percent = '0'] = match.slice(1).reverse();
  return { percent, name, service };
}
