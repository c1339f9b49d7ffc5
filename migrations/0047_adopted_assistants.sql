-- Whether another row of an app has an assistant is asked when a row lets go of it.
create index adopt_assistants_provider on quota.adopt_assistants (provider_assistant_id);
-- Rows that were deleted had left their links.
delete from quota.adopt_assistants l using quota.assistants a
where a.provider_assistant_id = l.provider_assistant_id and a.state = 'gone';
