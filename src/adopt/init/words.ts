/** Which columns mean what: the first pattern that a name fits is the surest. */
export const columnWords = {
  user: [
    /^(app_?)?user_?(id|uuid|uid|ref|key)?$/,
    /^(member|customer|account|owner|profile|subscriber|person|login)_?(id|uuid|uid|ref|key|no|number)?$/,
  ],
  /** Perhaps whose, perhaps only among whom: where nothing else says whose. */
  tenant: [/^(client|tenant|organi[sz]ation|org|team|workspace)_?(id|uuid|uid|ref|key|no|number)?$/],
  started_at: [
    /^(session|call|job|stream)?_?(started|start|began|begin|begun|opened|connected)_?(at|on|time|ts|date)?$/,
  ],
  made_at: [
    /^(created|inserted|logged|sent|recorded|occurred|used|posted)_?(at|on|time|ts|date)?$/,
    /^(timestamp|ts|time|date|at|when)$/,
  ],
  ended_at: [
    /^(session|call|job|stream)?_?(ended|end|finished|finish|completed|stopped|closed|hung_?up|disconnected)_?(at|on|time|ts|date)?$/,
  ],
  duration: [
    /^(call|session|audio|total|billed|billable|media|talk)?_?(duration|length)_?(in_)?(s|sec|secs|seconds|m|min|mins|minutes|ms|millis|milliseconds)?$/,
    /^(total_|billed_|talk_|audio_|spoken_)?(seconds|secs|minutes|mins|millis|milliseconds)(_used|_spent)?$/,
    /^(total|billed|talk|audio|spoken|call|media)_(s|sec|ms|min)$/,
  ],
  provider_call_id: [
    /^(vapi|heygen|liveavatar|provider|external|remote|avatar|whisper|openai|twilio|upstream|vendor)_?(call|session|stream|conversation|request|job)?_?(id|sid|ref|uuid|call|session)$/,
    /^(vapi|heygen|provider|external|remote)_?(call|session|stream)$/,
    /^(call|session|stream|request)_?(sid|ref)$/,
  ],
  assistant: [
    /^(vapi|provider|external|remote)_?(assistant|agent|bot)?_?(id|ref|uuid)$/,
    /^(assistant|agent|bot|avatar)_?(id|ref|uuid|name)?$/,
  ],
  provider_assistant_id: [
    /^(vapi|provider|external|remote)_?(assistant|agent|bot)?_?(id|ref|uuid)$/,
    /^(assistant|agent|bot)_?(id|ref|uuid)$/,
  ],
  status: [/^(call|session|job)?_?(status|state|outcome|result|disposition)$/, /^(ended|end)_?reason$/],
  cost: [
    /^(estimated_?|total_?|call_?|provider_?)?(cost|price|charge|fee|amount)s?_?(in_)?(usd|dollars|cents|millicents|eur|micros|usd_micros|micro_usd)?$/,
    /^(usd|eur|dollars)(_cents|_micros)?$/,
  ],
  model: [/^(model|llm|engine|ai_?model)(_?(name|id|key|used))?$/],
  messages: [/^(messages?|message_count|messages_count|num_messages|turns)$/],
  words_spoken: [/^(words|words_?spoken|spoken_?words|word_?count)$/],
  file_size: [/^(file_?|audio_?|upload_?)?(size|bytes|size_?bytes|file_?size)_?(bytes|kb|mb|in_bytes)?$/],
  error_message: [/^(error|failure|fail)_?(message|text|reason|detail|details)?$/],
  deleted: [
    /^(deleted|removed|archived|trashed|gone|purged|voided)_?(at|on|date)?$/,
    /^is_?(deleted|removed|archived|gone|void|voided)$/,
  ],
  failed: [/^(is_?|has_?)?(failed|errored)$/],
  succeeded: [/^(is_?|was_?)?(ok|success|successful|succeeded)$/],
  kind: [
    /^(usage|service|event|product|feature|call|job|record|resource)?_?(type|kind|service|category|product|feature)$/,
  ],
  email: [/^(e_?mail|mail|email_?address)$/],
  name: [/^(full_?name|display_?name|name|title|label)$/],
  signup_at: [
    /^(created|signed_?up|signup|joined|registered|enrolled|member_?since|inserted|registration)_?(at|on|date|time)?$/,
    /^since$/,
  ],
  timezone: [/^(time_?zone|tz|zone|zone_?name)$/],
  plan: [/^(plan|tier|subscription|package|membership)_?(type|name|key|plan|tier|id|level)?$/],
  month: [/^(current_?|billing_?|usage_?)?(month|period)(_?(key|start|date))?$/],
  used_seconds: [
    /^(used|usage|total|consumed)_?(seconds|secs)(_?used)?$/,
    /^(seconds|secs)_?(used|spent|consumed)$/,
  ],
  used_minutes: [
    /^(used|usage|total|consumed)_?(minutes|mins)(_?used)?$/,
    /^(minutes|mins)_?(used|spent|consumed)$/,
  ],
  used_messages: [/^(total|used|all|sent)?_?(messages|message_?count)(_?(used|total|sent|count))?$/],
  used_premium: [/^(premium|pro)_?(messages|message_?count)(_?(used|total|sent|count))?$/],
  used_cost: [/^(used|total|spent|month|monthly)_?(cost|spend|amount)$/],
  session_count: [/^(session|call|job)s?_?count$/, /^(sessions|calls|jobs)$/],
  limit_seconds: [/^(total_?|monthly_?|max_?)?(limit|allowance|allowed|quota)_?(seconds|secs)$/],
  limit_minutes: [/^(total_?|monthly_?|max_?|custom_?)?(limit|allowance|allowed|quota)_?(minutes|mins)$/],
  limit_cost: [
    /^(total_?|monthly_?|max_?|custom_?)?(limit|budget)_?(cost|usd|dollars)$|^(cost|spend)_?limit$/,
  ],
  limit_value: [/^(limit|quota|custom|credit)s?_?(value|amount|limit|credits)$/],
  exhausted: [/^(quota_?|is_?)?(exhausted|used_?up|over_?limit)$/],
  exhausted_at: [/^(quota_?)?(exhausted|used_?up|ran_?out)_?(at|on)$/],
  enforced_at: [
    /^(limit|limits|limit_was)_?(enforced|applied|reached|set)_?(at|on)$/,
    /^(limited|blocked|restricted|throttled)_?(at|on|since)$/,
  ],
  last_reset: [/^(last_?)?reset_?(at|on)?$|^last_?reset_?(at|on)?$/],
  original: [/(original|backup|previous|before|saved|stored)/],
  threshold: [/^(threshold|percent|percentage|level)_?(percent|pct)?$/],
  read_at: [/^(read|acknowledged|seen|dismissed)_?(at|on)$/],
  is_read: [/^(is_?)?(read|acknowledged|seen|dismissed)$/],
  expires_at: [/^(expires|expiry|expire|timeout|lease_?until|valid_?until|until)_?(at|on)?$/],
} satisfies Record<string, readonly RegExp[]>;

export type Meaning = keyof typeof columnWords;

/** `callLogs` and `Call-Logs` are `call_logs`. */
export const plainName = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();

/** What a word of a service is known by: in names of tables and columns, and in values. */
export const serviceWords: readonly { service: string; provider: string; words: RegExp }[] = [
  { service: 'voice', provider: 'vapi', words: /vapi|phone|voice|call|telephon|dial|(^|_)rings?(_|$)/ },
  { service: 'avatar', provider: 'heygen', words: /avatar|heygen|stream|video/ },
  {
    service: 'transcription',
    provider: 'whisper',
    words: /transcri|whisper|audio|caption|subtitle|dictat|podcast|recording|speech_to_text|stt/,
  },
  {
    service: 'chat',
    provider: 'chat',
    words: /chat|message|prompt|completion|conversation|llm|token|(^|_)turns?(_|$)/,
  },
];

/** What the app's word for a state means here; null: nothing that is known. */
export function meaningOfStatus(word: string): 'active' | 'error' | 'completed' | null {
  const plain = plainName(word);
  if (
    /progress|^active$|running|queued|^open|ringing|pending|processing|live|ongoing|started|forwarding|scheduled|^new$/.test(
      plain,
    )
  ) {
    return 'active';
  }
  if (
    /fail|error|abort|crash|timed?_?out|rejected|dropped|broken|busy|no_?answer|unanswered|missed|declined|lost/.test(
      plain,
    )
  ) {
    return 'error';
  }
  return /complete|ended|done|finish|success|^ok$|succeeded|closed|answered|hang_?up|hung_?up/.test(plain)
    ? 'completed'
    : null;
}
