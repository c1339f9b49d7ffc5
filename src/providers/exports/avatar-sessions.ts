import { CellFault, decimalCell, instantCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { jsonRows } from '../../files/json/json-rows.ts';
import { parseUnixSeconds } from '../../values/instant.ts';
import { addSeconds } from '../../values/instant-math.ts';
import { type BillingLine, emptyLine, rawObject, textOrNull } from './billing-line.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { linesFromRows } from './lines-from-rows.ts';
import { watchPages } from './pages.ts';
import { firstValue, hasMembers, isEmptyList, type Shape } from './shape.ts';

const utc = { assumeUtc: true };

/** Clients disagree on HeyGen's envelope: three are seen, with three names for the next page's token. */
const heygenEnvelopes = ['data', 'data.data', 'data.sessions'];
const heygenFields = ['session_id', 'status', 'created_at', 'duration', 'avatar_id'] as const;

/**
 * HeyGen's `streaming.list`: created_at in Unix seconds, duration in seconds, success is code 100. The
 * duration is what was streamed; the 30 s minimum belongs to the rate card.
 */
export const heygenSessions: ExportReader = {
  format: 'heygen-sessions',
  title: 'HeyGen streaming sessions (the answers of streaming.list)',
  provider: 'heygen',
  statesMoney: false,
  recognises: (shape, provider) =>
    isHeygenAnswer(shape) ||
    (hasMembers(shape, heygenEnvelopes, 'session_id') &&
      (provider === 'heygen' ||
        hasHeygenTimes(shape) ||
        hasMembers(shape, heygenEnvelopes, 'session_id', 'avatar_id'))) ||
    (provider === 'heygen' && isEmptyList(shape)),
  lines: (input: Input, settings: ReaderSettings) => {
    const tokens = [
      'next_pagination_token',
      'next_page_token',
      'data.next_pagination_token',
      'data.next_page_token',
      'data.token',
    ];
    const pages = watchPages(input, settings, {
      more: tokens,
      total: ['total', 'data.total'],
      success: ['100'],
    });
    const shape = { fields: heygenFields, envelopes: heygenEnvelopes, ...pages.shape };
    const rows = pages.watch(jsonRows(input, shape, settings.badLines));
    return linesFromRows(input, rows, settings.badLines, {
      read: (row, { number }, lines) => {
        lines.push(heygenLine(row, number));
      },
    });
  },
};

/** Its envelope: a code of three digits (100 is success) or six, beside a list of sessions or a message without one. */
const isHeygenAnswer = (shape: Shape) =>
  hasMembers(shape, [], 'code', 'data', 'message') &&
  /^(100|\d{6})$/.test(firstValue(shape, [], 'code')) &&
  !hasMembers(shape, [], 'data.results') &&
  (hasMembers(shape, heygenEnvelopes, 'session_id') || !namesSessions(shape));

/** In a list of another name, which is found as any such list is. */
const namesSessions = (shape: Shape) =>
  shape.kind === 'json' && [...shape.members.keys()].some((name) => name.endsWith('.session_id'));

/** Sessions elsewhere are dated in ISO 8601. */
const hasHeygenTimes = (shape: Shape) => /^\d{9,13}$/.test(firstValue(shape, heygenEnvelopes, 'created_at'));

function heygenLine(row: string[], lineNumber: number): BillingLine {
  const [id = '', status = '', created = '', duration = '', avatar = ''] = row;
  if (id === '') {
    throw new CellFault('session_id', 'is missing: this is not a HeyGen session');
  }
  const startedAt = parseUnixSeconds(created) ?? instantCell(created, 'created_at', utc);
  return sessionLine(emptyLine(lineNumber, 'heygen', 'call'), {
    id,
    avatar,
    startedAt,
    duration: decimalCell(duration, 'duration', utc),
    ended: status === '' ? duration !== '' : /^(closed|completed|ended|finished|stopped)$/i.test(status),
    raw: rawObject({ status, avatarId: avatar }),
  });
}

const liveAvatarFields = [
  'id',
  'created_at',
  'duration',
  'credits_consumed',
  'avatar_id',
  'mode',
  'is_sandbox',
  'source',
  'stop_reason',
  'updated_at',
] as const;

/**
 * LiveAvatar's `GET /v1/sessions`: ISO instants, and `credits_consumed`, which is the number that is billed. A
 * session without duration is still active.
 */
export const liveAvatarSessions: ExportReader = {
  format: 'liveavatar-sessions',
  title: 'LiveAvatar sessions (the answers of /v1/sessions)',
  provider: 'liveavatar',
  statesMoney: false,
  recognises: (shape, provider) =>
    ['credits_consumed', 'is_sandbox'].some((member) =>
      hasMembers(shape, ['data.results'], 'id', 'created_at', member),
    ) ||
    (hasMembers(shape, [], 'code', 'data.results') && !hasMembers(shape, [], 'data.results.id')) ||
    (provider === 'liveavatar' &&
      (isEmptyList(shape) || hasMembers(shape, ['data.results'], 'id', 'created_at'))),
  lines: (input: Input, settings: ReaderSettings) => {
    const pages = watchPages(input, settings, { more: ['data.next'], total: ['data.count'] });
    const shape = { fields: liveAvatarFields, envelopes: ['data.results'], ...pages.shape };
    const rows = pages.watch(jsonRows(input, shape, settings.badLines));
    return linesFromRows(input, rows, settings.badLines, {
      read: (row, { number }, lines) => {
        lines.push(liveAvatarLine(row, number));
      },
    });
  },
};

function liveAvatarLine(row: string[], lineNumber: number): BillingLine {
  const [
    id = '',
    created = '',
    duration = '',
    credits = '',
    avatar = '',
    mode = '',
    sandbox = '',
    source = '',
    stop = '',
  ] = row;
  if (id === '') {
    throw new CellFault('id', 'is missing: this is not a LiveAvatar session');
  }
  const line = sessionLine(emptyLine(lineNumber, 'liveavatar', 'call'), {
    id,
    avatar,
    startedAt: instantCell(created, 'created_at', utc),
    duration: decimalCell(duration, 'duration', utc),
    ended: duration !== '',
    raw: rawObject(
      { mode, source, stopReason: stop },
      { isSandbox: /^(true|false)$/.test(sandbox) ? sandbox : '' },
    ),
  });
  line.quantity = decimalCell(credits, 'credits_consumed', utc);
  line.unit = line.quantity === null ? null : 'credit';
  return line;
}

interface Session {
  id: string;
  avatar: string;
  startedAt: string | null;
  duration: string | null;
  ended: boolean;
  raw: string | null;
}

/** Neither list has an end: it follows from start and duration once the session has ended. */
function sessionLine(
  line: BillingLine,
  { id, avatar, startedAt, duration, ended, raw }: Session,
): BillingLine {
  if (startedAt === null) {
    throw new CellFault('created_at', 'is empty');
  }
  if (duration?.startsWith('-')) {
    throw new CellFault('duration', 'is negative');
  }
  line.externalId = id;
  line.assistantId = textOrNull(avatar);
  line.status = ended ? 'ended' : 'in-progress';
  line.createdAt = startedAt;
  line.startedAt = startedAt;
  line.durationSeconds = duration;
  line.endedAt = ended && duration !== null ? addSeconds(startedAt, duration) : null;
  line.raw = raw;
  return line;
}
