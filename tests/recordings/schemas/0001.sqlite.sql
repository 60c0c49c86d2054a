BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE artifacts (
	sha256 VARCHAR(64) NOT NULL, 
	content BLOB NOT NULL, 
	added_at DATETIME NOT NULL, 
	PRIMARY KEY (sha256)
);
INSERT INTO "artifacts" VALUES('063fa9628ce1838300f6ec9db33ade7e0c979820beebafb7ebc6bfd012dad817',X'61207061636B6564206469726563746F72792061207061636B6564206469726563746F72792061207061636B6564206469726563746F72792061207061636B6564206469726563746F727920','2026-11-27 12:00:00.000000');
CREATE TABLE deployments (
	id VARCHAR(36) NOT NULL, 
	environment VARCHAR(63) NOT NULL, 
	service VARCHAR(63) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	version INTEGER, 
	previous INTEGER, 
	count INTEGER, 
	purge BOOLEAN NOT NULL, 
	expected_index BIGINT NOT NULL, 
	modify_index BIGINT, 
	evaluation VARCHAR(64), 
	nomad_deployment VARCHAR(64), 
	reason TEXT NOT NULL, 
	idempotency_key VARCHAR(255), 
	request_hash VARCHAR(64), 
	ended_at DATETIME, 
	lease_holder VARCHAR(64), 
	lease_until DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (idempotency_key)
);
INSERT INTO "deployments" VALUES('d1','stage','checkout','run','successful','ada','2026-11-27 12:00:00.000000',1,NULL,NULL,0,0,11,NULL,NULL,'all allocations are healthy','k1','h1',NULL,NULL,NULL);
INSERT INTO "deployments" VALUES('d2','stage','checkout','run','successful','ada','2026-11-27 13:00:00.000000',2,NULL,NULL,0,0,1099511627776,NULL,NULL,'all allocations are healthy',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE events (
	deployment VARCHAR(36) NOT NULL, 
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	message TEXT NOT NULL, 
	detail JSON NOT NULL, 
	PRIMARY KEY (deployment, number), 
	FOREIGN KEY(deployment) REFERENCES deployments (id)
);
INSERT INTO "events" VALUES('d1',1,'2026-11-27 12:00:00.000000','warning','a line','{}');
INSERT INTO "events" VALUES('d1',2,'2026-11-27 12:00:00.000000','warning','a line','{}');
CREATE TABLE services (
	environment VARCHAR(63) NOT NULL, 
	name VARCHAR(63) NOT NULL, 
	protocol VARCHAR(16) NOT NULL, 
	latest INTEGER NOT NULL, 
	PRIMARY KEY (environment, name)
);
INSERT INTO "services" VALUES('stage','checkout','http',2);
CREATE TABLE version_artifacts (
	environment VARCHAR(63) NOT NULL, 
	service VARCHAR(63) NOT NULL, 
	number INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (environment, service, number, sha256), 
	FOREIGN KEY(environment, service, number) REFERENCES versions (environment, service, number)
);
INSERT INTO "version_artifacts" VALUES('stage','checkout',2,'063fa9628ce1838300f6ec9db33ade7e0c979820beebafb7ebc6bfd012dad817');
CREATE TABLE versions (
	environment VARCHAR(63) NOT NULL, 
	service VARCHAR(63) NOT NULL, 
	number INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	protocol VARCHAR(16) NOT NULL, 
	file TEXT NOT NULL, 
	spec TEXT NOT NULL, 
	merged JSON NOT NULL, 
	job JSON NOT NULL, 
	bootstrap TEXT, 
	created_by TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (environment, service, number)
);
INSERT INTO "versions" VALUES('stage','checkout',1,'abc','http','checkout.yaml','service: checkout
','{"service": "checkout", "run": {"command": ["app"], "directory": "."}, "stop": {"delay": 2000, "timeout": 60000}}','{"ID": "checkout"}',NULL,'ada','2026-11-27 12:00:00.000000');
INSERT INTO "versions" VALUES('stage','checkout',2,'abc','http','checkout.yaml','service: checkout
','{"service": "checkout", "run": {"command": ["app"], "directory": "."}, "stop": {"delay": 2000, "timeout": 60000}}','{"ID": "checkout"}',NULL,'ada','2026-11-27 12:00:00.000000');
CREATE INDEX version_artifacts_by_sha256 ON version_artifacts (sha256);
CREATE INDEX deployments_by_state ON deployments (state);
CREATE INDEX deployments_by_service ON deployments (environment, service, created_at);
COMMIT;
