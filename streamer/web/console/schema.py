"""Tables of the console's read model. All can be made again from Kafka, so a change of them is a new VERSION."""

from __future__ import annotations

VERSION = 3

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE position (
    topic TEXT, partition INTEGER, topic_id TEXT NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

-- The rows of the folds as they are, `log_offset` is the header w, by which a late write of a dead owner is known.
CREATE TABLE fold_row (
    fold TEXT, key TEXT, log_id TEXT NOT NULL, log_offset INTEGER NOT NULL, value BLOB, PRIMARY KEY (fold, key)
) WITHOUT ROWID;

CREATE TABLE stock (
    key TEXT PRIMARY KEY, location TEXT NOT NULL, sku TEXT NOT NULL, description TEXT NOT NULL, on_hand REAL NOT NULL,
    reserved REAL NOT NULL, available REAL NOT NULL, incoming REAL NOT NULL, projected REAL NOT NULL,
    waiting REAL NOT NULL, reorder_point REAL, order_up_to REAL, state TEXT NOT NULL, next_arrival TEXT NOT NULL,
    needed_by TEXT NOT NULL, as_of_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX stock_sku ON stock (sku, key);
CREATE INDEX stock_state ON stock (state, key);
CREATE INDEX stock_location ON stock (location, key);
CREATE INDEX stock_projected ON stock (projected, key);
CREATE INDEX stock_available ON stock (available, key);
CREATE INDEX stock_on_hand ON stock (on_hand, key);
CREATE INDEX stock_waiting ON stock (waiting, key);
CREATE INDEX stock_needed ON stock (needed_by, key) WHERE needed_by != '';

-- What lay there at the end of each day: as far back as the changelog goes.
CREATE TABLE stock_day (key TEXT, day TEXT, on_hand REAL NOT NULL, PRIMARY KEY (key, day)) WITHOUT ROWID;

CREATE TABLE order_line (
    order_key TEXT, line_id TEXT, revision INTEGER NOT NULL, sku TEXT NOT NULL, location TEXT NOT NULL,
    decision TEXT NOT NULL, fulfilment TEXT NOT NULL, at_ms INTEGER NOT NULL, json BLOB NOT NULL,
    PRIMARY KEY (order_key, line_id)
) WITHOUT ROWID;
CREATE INDEX order_line_decision ON order_line (decision, at_ms);
CREATE INDEX order_line_sku ON order_line (sku, order_key);

CREATE TABLE orders (
    key TEXT PRIMARY KEY, account TEXT NOT NULL, order_id TEXT NOT NULL, number TEXT NOT NULL, kind TEXT NOT NULL,
    decision TEXT NOT NULL, fulfilment TEXT NOT NULL, location TEXT NOT NULL, lines INTEGER NOT NULL,
    first_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX orders_at ON orders (at_ms, key);
CREATE INDEX orders_first ON orders (first_ms, key);
CREATE INDEX orders_decision ON orders (decision, at_ms);
CREATE INDEX orders_account ON orders (account, at_ms);
CREATE INDEX orders_number ON orders (number, key);

CREATE TABLE purchase_order (
    reference TEXT PRIMARY KEY, supplier TEXT NOT NULL, state TEXT NOT NULL, external_reference TEXT NOT NULL,
    conflict TEXT NOT NULL, currency TEXT NOT NULL, total REAL NOT NULL, lines INTEGER NOT NULL, promised TEXT NOT NULL,
    revision INTEGER NOT NULL, first_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, json BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX purchase_order_state ON purchase_order (state, at_ms);
CREATE INDEX purchase_order_at ON purchase_order (at_ms, reference);
CREATE INDEX purchase_order_supplier ON purchase_order (supplier, at_ms);
CREATE INDEX purchase_order_promised ON purchase_order (promised, reference) WHERE promised != '';
CREATE TABLE purchase_order_step (
    reference TEXT, revision INTEGER, state TEXT NOT NULL, at_ms INTEGER NOT NULL, json BLOB NOT NULL,
    PRIMARY KEY (reference, revision)
) WITHOUT ROWID;
CREATE INDEX purchase_order_step_state ON purchase_order_step (state, at_ms);
CREATE TABLE purchase_order_line (
    reference TEXT, line TEXT, stock_key TEXT, PRIMARY KEY (reference, line)
) WITHOUT ROWID;
CREATE INDEX purchase_order_line_stock ON purchase_order_line (stock_key);

CREATE TABLE command (
    key TEXT PRIMARY KEY, account TEXT NOT NULL, command_id TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL,
    cause TEXT NOT NULL, reference TEXT NOT NULL, order_id TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    reason TEXT NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX command_state ON command (state, at_ms);
CREATE INDEX command_at ON command (at_ms, key);
CREATE INDEX command_account ON command (account, at_ms);
CREATE INDEX command_reference ON command (reference) WHERE reference != '';
CREATE INDEX command_order ON command (order_id) WHERE order_id != '';
CREATE TABLE poll (
    key TEXT PRIMARY KEY, account TEXT NOT NULL, resource TEXT NOT NULL, every_ms INTEGER NOT NULL, ended_ms INTEGER,
    started_ms INTEGER, due_ms INTEGER, records INTEGER NOT NULL, error TEXT NOT NULL, cursor TEXT NOT NULL,
    paused_by TEXT NOT NULL
) WITHOUT ROWID;

-- Tokens that an owner keeps: when they end, never what they are.
CREATE TABLE token (
    key TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, expires_ms INTEGER, at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- A record on a route, key: route and record. Nothing personal, what differs is shown from the row itself.
CREATE TABLE record (
    key TEXT PRIMARY KEY, route TEXT NOT NULL, order_key TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, state TEXT NOT NULL, reference TEXT NOT NULL, external_reference TEXT NOT NULL,
    revision INTEGER NOT NULL, reason TEXT NOT NULL, asked_by TEXT NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX record_at ON record (at_ms, key);
CREATE INDEX record_name ON record (name, key);
CREATE INDEX record_state ON record (route, state, at_ms);
CREATE INDEX record_asked ON record (asked_by) WHERE asked_by != '';

CREATE TABLE recall (
    key TEXT PRIMARY KEY, campaign TEXT NOT NULL, subject TEXT NOT NULL, component TEXT NOT NULL, remedy TEXT NOT NULL,
    urgent INTEGER NOT NULL, vehicles INTEGER NOT NULL, waiting INTEGER NOT NULL, uncalled INTEGER NOT NULL,
    holdings INTEGER NOT NULL, remedies TEXT NOT NULL, withdrawn INTEGER NOT NULL, row_key TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX recall_campaign ON recall (campaign, key);
CREATE INDEX recall_row ON recall (row_key);

CREATE TABLE quarantine (fold TEXT, key TEXT, reason TEXT NOT NULL, PRIMARY KEY (fold, key)) WITHOUT ROWID;

CREATE TABLE dead_letter (
    id TEXT PRIMARY KEY, topic TEXT NOT NULL, partition TEXT NOT NULL, log_offset TEXT NOT NULL, stage TEXT NOT NULL,
    reason TEXT NOT NULL, class TEXT NOT NULL, account TEXT NOT NULL, at_ms INTEGER NOT NULL, key BLOB, value BLOB,
    headers TEXT NOT NULL, bytes INTEGER NOT NULL
);
CREATE INDEX dead_letter_at ON dead_letter (at_ms, id);
CREATE INDEX dead_letter_group ON dead_letter (reason, account, stage);
CREATE TABLE settled (
    subject TEXT PRIMARY KEY, act TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL, note TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    act_id TEXT PRIMARY KEY, actor TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL, origin TEXT NOT NULL,
    at_ms INTEGER NOT NULL, json BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_at ON audit (at_ms, act_id);
CREATE INDEX audit_subject ON audit (subject, at_ms);
CREATE INDEX audit_actor ON audit (actor, at_ms);

CREATE TABLE document (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, ref TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (kind, ref)
);
CREATE VIRTUAL TABLE search USING fts5 (
    text, content = 'document', content_rowid = 'id', tokenize = 'unicode61', prefix = '2 3'
);
"""
