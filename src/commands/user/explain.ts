import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { explanationText } from '../../usage/explain/explain-text.ts';
import { explainUser } from '../../usage/explain/explain-user.ts';
import { findUser } from '../../users/find-user.ts';

export interface UserExplainOptions {
  /** Id, external id or email. */
  user: string;
  service?: string;
  /** `current`, `previous` or an instant. */
  period?: string;
}

/** `quota user explain`: the data is an `Explanation`; csv and ndjson have one line per event. */
export async function userExplain(context: Context, options: UserExplainOptions): Promise<ExitCode> {
  const data = await context.withDatabase(async ({ client }) =>
    explainUser(client, await findUser(client, options.user), {
      service: options.service,
      period: options.period ?? 'current',
    }),
  );
  await context.output.write({
    data,
    rows: data.quotas.flatMap(({ meter, events }) =>
      events.map((event) => ({ externalId: data.user.externalId, service: data.service, meter, ...event })),
    ),
    columns: [
      ...['externalId', 'service', 'meter', 'at', 'until', 'kind'],
      ...['calls', 'quantity', 'balance', 'who', 'why', 'text'],
    ].map((key) => ({ key })),
    text: (explanation, style) => explanationText(explanation, context.now(), style),
  });
  return exitCodes.ok;
}
