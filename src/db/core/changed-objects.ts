import type pg from 'pg';
import { withTransaction } from '../transaction.ts';
import { readCatalogue } from './catalogue-store.ts';
import { digestOf, readRecordedObjects } from './core-record-store.ts';

/** One thing of the schema that is not as `quota db migrate` left it. */
export interface ChangedObject {
  /** As in `function quota.check(text,text)`, `rights table quota.users`. */
  object: string;
  state: 'changed' | 'missing';
}

/** What somebody changed or dropped by hand since the core was installed. What somebody added is theirs. */
export async function findChangedObjects(client: pg.ClientBase): Promise<ChangedObject[]> {
  return withTransaction(client, async () => {
    const recorded = (await readRecordedObjects(client)) ?? [];
    const objects = await readCatalogue(client);
    const present = new Map(objects.map((object) => [`${object.kind} ${object.identity}`, digestOf(object)]));
    return recorded.flatMap(({ kind, identity, digest, isComparable }): ChangedObject[] => {
      const object = `${kind} ${identity}`;
      const found = present.get(object);
      if (found === undefined) {
        return [{ object, state: 'missing' }];
      }
      return found === digest || !isComparable ? [] : [{ object, state: 'changed' }];
    });
  });
}
