drop index quota.adopt_assistants_provider;
