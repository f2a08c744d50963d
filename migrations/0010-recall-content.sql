-- What was created on GitHub of late, for a pacing that has lost its memory: the log itself only grows.
CREATE INDEX audit_log_content_by_at ON audit_log (at) WHERE action IN ('pull-request.opened', 'reviewers.added');
