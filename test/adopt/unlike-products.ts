import type { WorkedProduct } from './products.ts';

const picked = (client: number, turn: number, users: number) => 1 + ((client * 31 + turn * 7) % users);

/** Four products unlike those that are documented; each writes by a login that may do no more than its app. */
export const unlikeProducts: Record<string, WorkedProduct> = {
  clinic: {
    service: 'voice',
    meter: 'voice_seconds',
    plan: 'voice-free',
    // Patients that come and go belong to one client: whoever is taken away is written to by nobody else.
    write: (client, turn, at, users) => {
      const patient = `P-${picked(client, turn, users)}`;
      const guest = `G-${client}-${turn}-${at.replaceAll(/\D/g, '')}`;
      const as = (who: string, sql: string) =>
        `begin; set local role clinic_app; set local clinic.patient = '${who}'; ${sql}; commit`;
      const began = `timestamptz '${at}+00' at time zone 'Europe/Berlin'`;
      const consulted = (who: string, outcome: string) =>
        `insert into "TeleClinic"."Consultations" ("PatientNo", "StartedAt", "Outcome") values ('${who}', ${began}, '${outcome}')`;
      const latest = (who: string) =>
        `"No" = (select max("No") from "TeleClinic"."Consultations" where "PatientNo" = '${who}')`;
      return [
        as(patient, consulted(patient, 'RINGING')),
        as(
          patient,
          `update "TeleClinic"."Consultations" set "Outcome" = 'ANSWERED', "EndedAt" = "StartedAt" + interval '7 seconds', "PriceCents" = 3
           where "PatientNo" = '${patient}' and "Outcome" = 'RINGING'`,
        ),
        ...(turn % 3 === 0
          ? [
              as(
                patient,
                `update "TeleClinic"."Consultations" set "Outcome" = 'MISSED' where ${latest(patient)}`,
              ),
            ]
          : []),
        ...(turn % 4 === 1
          ? [
              as(
                guest,
                `insert into "TeleClinic"."Patients" values ('${guest}', '${guest}@clinic.example', '2026-11-01'); ${consulted(guest, 'ANSWERED')}`,
              ),
              as(guest, `delete from "TeleClinic"."Patients" where "PatientNo" = '${guest}'`),
            ]
          : []),
      ];
    },
  },
  studio: {
    service: 'avatar',
    meter: 'avatar_seconds',
    plan: 'avatar-lifetime',
    write: (client, turn, at, users) => {
      const artist = `md5('artist ${picked(client, turn, users)}')::uuid`;
      const ref = `tk_${client}-${turn}-${at.replaceAll(/\D/g, '')}`;
      const as = (sql: string) => `begin; set local role studio_app; ${sql}; commit`;
      const put = (state: string, seconds: string) =>
        `insert into studio.live_takes (artist_id, ref, opened, state, seconds)
         values (${artist}, '${ref}', timestamptz '${at}+00' at time zone 'America/New_York', '${state}', ${seconds})`;
      return [
        as(put('open', 'null')),
        as(put('done', '21')),
        // Another key, in another partition: of another artist.
        ...(turn % 4 === 0
          ? [
              as(
                `update studio.takes set artist_id = md5('artist ${1 + (picked(client, turn, users) % users)}')::uuid, ref = ref || 'x' where ref = '${ref}'`,
              ),
            ]
          : []),
        ...(turn % 5 === 1 ? [as(put('canceled', '21'))] : []),
        ...(turn % 5 === 2 ? [as(`delete from studio.live_takes where ref = '${ref}'`)] : []),
      ];
    },
  },
  dictation: {
    service: 'transcription',
    meter: 'transcription_seconds',
    plan: 'transcription-enterprise',
    write: (client, turn, at, users) => {
      const practice = picked(client, turn, users);
      const token = `md5('${at} ${client} ${turn}')::uuid`;
      const recorded = `extract(epoch from timestamptz '${at}+00') * 1000`;
      const as = (sql: string) => `begin; set local role dictation_app; ${sql}; commit`;
      return [
        as(
          `insert into dictation.running values (${practice}, ${token}, ${recorded}, timestamptz '${at}+00' + interval '20 minutes')`,
        ),
        as(`insert into dictation.recordings (practice, recorded_ms, audio_ms, price_micros, size_kb)
          select ${practice}, ${recorded}, 1000 * n, 400, 12 from generate_series(1, 3) n;
          delete from dictation.running where token = ${token}`),
        ...(turn % 3 === 0
          ? [
              as(`with taken as (select id from dictation.recordings where practice = ${practice} order by id desc limit 2)
                update dictation.recordings r set is_void = r.id % 2 = 0, audio_ms = audio_ms + 500 from taken t where r.id = t.id`),
            ]
          : []),
        ...(turn % 5 === 2
          ? [
              as(
                `delete from dictation.recordings where id = (select max(id) from dictation.recordings where practice = ${practice})`,
              ),
            ]
          : []),
        ...(turn % 7 === 3 ? [as(`update dictation.practices set package = 2 where no = ${practice}`)] : []),
      ];
    },
  },
  helpdesk: {
    service: 'chat',
    meter: 'messages',
    plan: 'chat-free',
    write: (client, turn, at, users) => {
      const n = picked(client, turn, users);
      const [tenant, handle] = [1 + (n % 2), `agent${n}`];
      const thread = `md5('${at} ${client} ${turn}')::uuid`;
      const as = (sql: string) =>
        `begin; set local role helpdesk_app; set local helpdesk.tenant = '${tenant}'; ${sql}; commit`;
      const answered = (said: string) =>
        `insert into helpdesk.answers (tenant, thread, turn, llm, said, sent_at)
         select ${tenant}, ${thread}, n, 'claude-sonnet', '${said}', timestamptz '${at}+00' from generate_series(1, 2) n
         on conflict (tenant, thread, turn) do update set said = excluded.said, llm = 'gpt-4o'`;
      return [
        as(
          `insert into helpdesk.threads values (${tenant}, ${thread}, '${handle}', 'New'); ${answered('first')}`,
        ),
        as(answered('again')),
        ...(turn % 3 === 1
          ? [as(`update helpdesk.answers set expunged = now() where thread = ${thread} and turn = 2`)]
          : []),
        ...(turn % 4 === 2
          ? [as(`update helpdesk.threads set thread = md5(thread::text)::uuid where thread = ${thread}`)]
          : []),
        ...(turn % 5 === 3 ? [as(`delete from helpdesk.threads where thread = ${thread}`)] : []),
      ];
    },
  },
};
