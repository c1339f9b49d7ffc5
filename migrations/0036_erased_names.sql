-- Whom an adopted product still knows after they were erased here: they are not made anew by what it writes.
create table quota.erased_names (
  digest text primary key
);
comment on table quota.erased_names is 'Names that apps had for users who were erased, as sha256: nobody is named, and nobody is made anew.';
-- Of those who were erased before only names that are their ids are known.
insert into quota.erased_names (digest)
select encode(sha256(convert_to(u.id::text, 'UTF8')), 'hex') from quota.users u where u.erased_at is not null;
