import { selectMeters } from '../../allowances/meters/meter-store.ts';
import { findPlan } from '../../allowances/plans/find-plan.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { counted } from '../../values/counted.ts';

/**
 * `quota plan show`: the text is a file for `quota plan apply`, and so is the JSON: a plan definition with its
 * `version` and `subscribers`, which apply passes over. csv and ndjson have one line per limit.
 */
export const planShow = defineCommand(
  {
    arguments: { plan: argument('key of the plan') },
    examples: [
      ['quota plan show voice-free', ''],
      ['quota plan show voice-free > plan.yaml', 'to change it and apply it'],
    ],
  },
  async (context, options) => {
    const { stored, meters } = await context.withDatabase(async ({ client }) => ({
      stored: await findPlan(client, options.plan),
      meters: await selectMeters(client),
    }));
    const { planYaml } = await import('../../allowances/plans/plan-yaml.ts');
    const { definition, version, subscribers } = stored;
    const { limits, ...plan } = definition;
    const units = new Map(meters.map(({ key, unit }) => [key, unit]));
    await context.output.write({
      data: { ...definition, version, subscribers },
      rows: limits.map((limit) => ({
        plan: plan.key,
        service: plan.service,
        name: plan.name,
        version,
        ...limit,
      })),
      columns: [
        'plan',
        'service',
        'name',
        'version',
        'meter',
        'limit',
        'costLimit',
        'unitPrice',
        'resetEvery',
        'resetAnchor',
        'boundary',
        'warnAt',
        'onExceeded',
      ].map((key) => ({ key })),
      text: (data, style) =>
        `${style.dim(`# version ${data.version}, ${counted(data.subscribers, 'subscriber')}`)}\n${planYaml(data, units)}`,
      isVerbatim: true,
    });
    return exitCodes.ok;
  },
);
