/** What a role of the database speaks for in this database; see `quota.caller()`. */
export interface Registration {
  speaksFor: 'app' | 'user' | 'claim';
  /** External id of the one user. */
  user: string | null;
  /** The claim of `request.jwt.claims` that names the user. */
  claim: string | null;
}

/** A role that is registered, or that may call functions of apps and is not. */
export interface Login {
  role: string;
  speaksFor: Registration['speaksFor'] | null;
  user: string | null;
  claim: string | null;
  /** `carried`: by an upgrade, to be looked at; `renamed`, `gone` and `refused` get no answers. */
  state: 'registered' | 'carried' | 'renamed' | 'gone' | 'refused';
  /** Of quota_app. */
  isMember: boolean;
  registeredAt: string | null;
  registeredBy: string | null;
}
