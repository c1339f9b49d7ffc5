import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sampleAssistants } from '../fixtures/vapi-simulator/samples.ts';
import { Draw } from './draw.ts';
import { firstDay } from './draw-steps.ts';
import type { Model } from './model.ts';
import type { Place } from './place.ts';
import type { Step } from './step.ts';
import { arrangeAdopted, shop } from './steps/adopt-steps.ts';
import { userCount } from './steps/app-steps.ts';
import { runTool } from './tool.ts';

/** The last of them is let in call by call. */
const assistantsPerUser = 3;

const isGated = (index: number) => index >= userCount * (assistantsPerUser - 1);

/** In which share of the episodes the shop is adopted from the first day on; in the others that is left to their steps. */
const adoptedShare = 0.6;

/** Users with their plans, and their assistants here and at VAPI. */
export async function arrange(place: Place, model: Model, seed: number): Promise<void> {
  const step: Step = { n: -1, at: firstDay, kind: 'arrange', params: {} };
  await place.look(shop);
  const write = async (name: string, rows: object[]) => {
    const file = join(place.folder, name);
    await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return file;
  };
  const users = await write(
    'users.jsonl',
    model.users.map(({ name, signup, zone }) => ({
      external_id: name,
      email: `${name}@example.com`,
      signup_at: signup,
      timezone: zone,
      plan: 'voice-free;chat-free;avatar-lifetime',
    })),
  );
  const samples = sampleAssistants(seed % 1_000_000, userCount * assistantsPerUser);
  await place.vapi('PUT', 'assistants', samples);
  place.originals = new Map(samples.map((sample) => [sample.id, sample]));
  const assistants = await write(
    'assistants.jsonl',
    samples.map(({ id }, index) => ({
      provider_assistant_id: id,
      user_external_id: `user-${index % userCount}`,
      ...(isGated(index) ? { gated: true, numbers: `number-${index % userCount}` } : {}),
    })),
  );
  for (const words of [
    ['import', 'users', users],
    ['import', 'assistants', assistants],
  ]) {
    const told = await runTool(place, step, [...words, '--yes', '--reason', 'arranged']);
    if (told.result !== 'done') {
      throw new Error(`nothing can begin: ${told.words}`);
    }
  }
  place.phone.assistants = samples.filter((_, index) => isGated(index)).map(({ id }) => id);
  await arrangeShards(place, model);
  if (new Draw(seed, 'arrange').happens('adopted', adoptedShare)) {
    await arrangeAdopted(place, model, step);
  }
  for (const { id, name } of await place.look(`select id::text, external_id as name from quota.users`)) {
    model.numberOf(name ?? '', id ?? '');
  }
}

/** All users but the last are in a shard from the first day on. */
async function arrangeShards({ shards }: Place, model: Model): Promise<void> {
  for (const { name, signup, zone } of model.users.slice(0, -1)) {
    const client = await shards.connect('campaign arranges', {
      ...{ n: -1, at: firstDay, kind: 'arrange' },
      params: { user: name.replace('user-', '') },
    });
    await client.query(`select quota.ensure_user($1, p_signup_at => $2, p_timezone => $3)`, [
      name,
      signup,
      zone,
    ]);
    await client.end();
  }
}
