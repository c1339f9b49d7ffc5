import { expect } from 'vitest';
import type { TestDatabase } from '../database.ts';
import type { Json } from '../desk/commands.ts';
import { Desk } from '../desk/desk.ts';

export const callHeader =
  'provider_call_id,provider_assistant_id,user_external_id,started_at,ended_at,duration_seconds,cost,status';

/** A desk with two users, ada and bob, and an assistant of each. */
export class ImportDesk extends Desk {
  override async open(model?: TestDatabase): Promise<this> {
    await super.open(model);
    await this.query(
      `with added as (
        insert into quota.users (external_id, email, created_at, timezone)
        values ('ada', 'ada@example.com', '2026-01-31T12:00:00Z', 'UTC'), ('bob', 'bob@example.com', '2026-02-10T12:00:00Z', 'Europe/Berlin')
        returning id, external_id
      )
      insert into quota.assistants (user_id, provider_assistant_id, name)
      select id, 'assistant-of-' || external_id, 'Assistant' from added`,
    );
    return this;
  }

  /** The report of an import that succeeds in silence. */
  report(...words: readonly string[]): Promise<Json> {
    return this.json('import', ...words);
  }

  /** The error of an import that does not, with its exit code. */
  async failure(...words: readonly string[]): Promise<Json> {
    const { code, data, stderr } = await this.answer('import', ...words);
    expect(data).toBeUndefined();
    return { exit: code, ...JSON.parse(stderr).error };
  }
}
