-- The seventh schema, and some records of it.
PRAGMA application_id = 1818522212;
PRAGMA user_version = 7;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "artifact" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "key" TEXT,
  "description" TEXT,
  "storage_id" INTEGER REFERENCES "storage" (id) ON DELETE RESTRICT NOT NULL,
  "path" TEXT NOT NULL,
  "suffix" TEXT NOT NULL,
  "kind" TEXT,
  "otype" TEXT,
  "size" INTEGER,
  "hash" TEXT,
  "hash_type" TEXT,
  "n_files" INTEGER,
  "n_observations" INTEGER,
  "version" TEXT,
  "is_latest" INTEGER CHECK ("is_latest" IN (0, 1)) NOT NULL,
  "stem_uid" TEXT GENERATED ALWAYS AS (substr(uid, 1, 16)) VIRTUAL,
  "visibility" INTEGER NOT NULL,
  "transform_id" INTEGER REFERENCES "transform" (id) ON DELETE RESTRICT,
  "run_id" INTEGER REFERENCES "run" (id) ON DELETE RESTRICT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO artifact VALUES(1,'Cvf9owXhYFTB6ZVr0000','a.h5ad',NULL,1,'/data/h1.h5ad','.h5ad',NULL,'AnnData',2,'h1','md5',NULL,3,'1',0,0,1,1,'2026-11-26T09:25:56.985255Z','2026-11-26T09:25:56.987827Z',1);
INSERT INTO artifact VALUES(2,'Cvf9owXhYFTB6ZVr0001','a.h5ad',NULL,1,'/data/h2.h5ad','.h5ad',NULL,'AnnData',2,'h2','md5',NULL,NULL,'2',1,0,NULL,NULL,'2026-11-26T09:25:56.987827Z','2026-11-26T09:25:56.987827Z',1);
INSERT INTO artifact VALUES(3,'dRMP4bqqsUMAmX0a0000','b.h5ad',NULL,1,'/data/h3.h5ad','.h5ad',NULL,NULL,2,'h3','md5',NULL,NULL,NULL,1,2,NULL,NULL,'2026-11-26T09:25:56.996247Z','2026-11-26T09:25:56.996247Z',1);
CREATE TABLE artifact_featureset (
  featureset_id INTEGER NOT NULL REFERENCES "featureset" (id) ON DELETE CASCADE,
  artifact_id INTEGER NOT NULL REFERENCES "artifact" (id) ON DELETE CASCADE,
  slot TEXT NOT NULL,
  PRIMARY KEY (featureset_id, artifact_id, slot)
) STRICT, WITHOUT ROWID;
INSERT INTO artifact_featureset VALUES(1,1,'obs');
CREATE TABLE artifact_input_of (
  run_id INTEGER NOT NULL REFERENCES "run" (id) ON DELETE CASCADE,
  artifact_id INTEGER NOT NULL REFERENCES "artifact" (id) ON DELETE CASCADE,
  PRIMARY KEY (run_id, artifact_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE artifact_previous_run (
  artifact_id INTEGER NOT NULL REFERENCES "artifact" (id) ON DELETE CASCADE,
  run_id INTEGER NOT NULL REFERENCES "run" (id) ON DELETE CASCADE,
  PRIMARY KEY (artifact_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE artifact_ulabel (
  ulabel_id INTEGER NOT NULL REFERENCES "ulabel" (id) ON DELETE CASCADE,
  artifact_id INTEGER NOT NULL REFERENCES "artifact" (id) ON DELETE CASCADE,
  PRIMARY KEY (ulabel_id, artifact_id)
) STRICT, WITHOUT ROWID;
INSERT INTO artifact_ulabel VALUES(1,1);
CREATE TABLE IF NOT EXISTS "collection" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "name" TEXT,
  "key" TEXT,
  "description" TEXT,
  "hash" TEXT,
  "order_hash" TEXT,
  "reference" TEXT,
  "reference_type" TEXT,
  "meta_artifact_id" INTEGER REFERENCES "artifact" (id) ON DELETE RESTRICT,
  "artifact_id" INTEGER REFERENCES "artifact" (id) ON DELETE RESTRICT,
  "version" TEXT,
  "is_latest" INTEGER CHECK ("is_latest" IN (0, 1)) NOT NULL,
  "stem_uid" TEXT GENERATED ALWAYS AS (substr(uid, 1, 16)) VIRTUAL,
  "visibility" INTEGER NOT NULL,
  "transform_id" INTEGER REFERENCES "transform" (id) ON DELETE RESTRICT,
  "run_id" INTEGER REFERENCES "run" (id) ON DELETE RESTRICT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO collection VALUES(1,'IFLBAQjrzmPwT3Qa0000','both',NULL,'it''s a test','MlL-miofUKdCGCEpAMptHw','28PpLUhKHK7wAycwwIsjqw',NULL,NULL,NULL,NULL,'1',0,0,NULL,NULL,'2026-11-26T09:25:56.997224Z','2026-11-26T09:25:57.009248Z',1);
INSERT INTO collection VALUES(2,'IFLBAQjrzmPwT3Qa0001','both',NULL,NULL,'NGuBoy5wB-zK32AlK7WZ8A','AdiqEt7cyUpZOfUq9kHnfw',NULL,NULL,NULL,NULL,'2',1,0,NULL,NULL,'2026-11-26T09:25:57.009248Z','2026-11-26T09:25:57.009248Z',1);
CREATE TABLE collection_featureset (
  featureset_id INTEGER NOT NULL REFERENCES "featureset" (id) ON DELETE CASCADE,
  collection_id INTEGER NOT NULL REFERENCES "collection" (id) ON DELETE CASCADE,
  slot TEXT NOT NULL,
  PRIMARY KEY (featureset_id, collection_id, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE collection_input_of (
  run_id INTEGER NOT NULL REFERENCES "run" (id) ON DELETE CASCADE,
  collection_id INTEGER NOT NULL REFERENCES "collection" (id) ON DELETE CASCADE,
  PRIMARY KEY (run_id, collection_id)
) STRICT, WITHOUT ROWID;
INSERT INTO collection_input_of VALUES(1,1);
CREATE TABLE collection_previous_run (
  collection_id INTEGER NOT NULL REFERENCES "collection" (id) ON DELETE CASCADE,
  run_id INTEGER NOT NULL REFERENCES "run" (id) ON DELETE CASCADE,
  PRIMARY KEY (collection_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE collection_ulabel (
  ulabel_id INTEGER NOT NULL REFERENCES "ulabel" (id) ON DELETE CASCADE,
  collection_id INTEGER NOT NULL REFERENCES "collection" (id) ON DELETE CASCADE,
  PRIMARY KEY (ulabel_id, collection_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE database (name TEXT PRIMARY KEY, path TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "database" VALUES('lab','/data/lab.db');
CREATE TABLE IF NOT EXISTS "feature" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "name" TEXT NOT NULL,
  "dtype" TEXT NOT NULL,
  "description" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO feature VALUES(1,'abcdefghijkl','cell_type','cat',NULL,'2026-11-26T09:25:57.013279Z','2026-11-26T09:25:57.013279Z',1);
CREATE TABLE IF NOT EXISTS "featureset" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "name" TEXT,
  "description" TEXT,
  "n" INTEGER NOT NULL,
  "dtype" TEXT,
  "otype" TEXT NOT NULL,
  "hash" TEXT NOT NULL UNIQUE,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO featureset VALUES(1,'abcdefghijklmnop',NULL,NULL,1,'cat','Feature','hhhhhhhhhhhhhhhhhhhhhh','2026-11-26T09:25:57.013279Z','2026-11-26T09:25:57.013279Z',1);
CREATE TABLE IF NOT EXISTS "run" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "name" TEXT,
  "transform_id" INTEGER REFERENCES "transform" (id) ON DELETE RESTRICT NOT NULL,
  "status" TEXT NOT NULL,
  "started_at" TEXT,
  "finished_at" TEXT,
  "params" TEXT,
  "reference" TEXT,
  "reference_type" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO run VALUES(1,'c8ezierIC8m2IHCc',NULL,1,'started','2026-11-26T09:25:56.981224Z',NULL,'{"seed":1}',NULL,NULL,'2026-11-26T09:25:56.981224Z','2026-11-26T09:25:56.981224Z',1);
CREATE TABLE IF NOT EXISTS "storage" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "root" TEXT NOT NULL UNIQUE,
  "type" TEXT NOT NULL,
  "description" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO storage VALUES(1,'OycJMxOGJDSc','/data','local','the lab''s disk','2026-11-26T09:25:56.975808Z','2026-11-26T09:25:56.975808Z',1);
CREATE TABLE IF NOT EXISTS "transform" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "key" TEXT,
  "name" TEXT,
  "description" TEXT,
  "type" TEXT NOT NULL,
  "source_code" TEXT,
  "hash" TEXT,
  "reference" TEXT,
  "reference_type" TEXT,
  "version" TEXT,
  "is_latest" INTEGER CHECK ("is_latest" IN (0, 1)) NOT NULL,
  "stem_uid" TEXT GENERATED ALWAYS AS (substr(uid, 1, 12)) VIRTUAL,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO transform VALUES(1,'6Eaa28t6S6Ls0000','prepare.py',NULL,NULL,'script',NULL,'tttttttttttttttttttttt',NULL,NULL,NULL,1,'2026-11-26T09:25:56.976269Z','2026-11-26T09:25:56.976269Z',1);
CREATE TABLE IF NOT EXISTS "ulabel" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "name" TEXT NOT NULL UNIQUE,
  "description" TEXT,
  "type_id" INTEGER REFERENCES "ulabel" (id) ON DELETE RESTRICT,
  "is_type" INTEGER CHECK ("is_type" IN (0, 1)) NOT NULL,
  "reference" TEXT,
  "reference_type" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL,
  "created_by_id" INTEGER REFERENCES "user" (id) ON DELETE RESTRICT NOT NULL
) STRICT;
INSERT INTO ulabel VALUES(1,'B7cK61yF','treated',NULL,NULL,0,NULL,NULL,'2026-11-26T09:25:57.013279Z','2026-11-26T09:25:57.013279Z',1);
CREATE TABLE IF NOT EXISTS "user" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "uid" TEXT NOT NULL UNIQUE,
  "handle" TEXT NOT NULL UNIQUE,
  "name" TEXT,
  "created_at" TEXT NOT NULL,
  "updated_at" TEXT NOT NULL
) STRICT;
INSERT INTO user VALUES(1,'yR14GDtV','ada',NULL,'2026-11-26T09:25:56.975145Z','2026-11-26T09:25:56.975145Z');
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('database','database','10 1');
INSERT INTO sqlite_stat1 VALUES('retired','retired','10000 5000 1');
INSERT INTO sqlite_stat1 VALUES('concealed','concealed','10000 5000 1');
INSERT INTO sqlite_stat1 VALUES('user','sqlite_autoindex_user_1','10 1');
INSERT INTO sqlite_stat1 VALUES('user','sqlite_autoindex_user_2','10 1');
INSERT INTO sqlite_stat1 VALUES('user','user_created_at','10 1');
INSERT INTO sqlite_stat1 VALUES('storage','sqlite_autoindex_storage_1','10 1');
INSERT INTO sqlite_stat1 VALUES('storage','sqlite_autoindex_storage_2','10 1');
INSERT INTO sqlite_stat1 VALUES('storage','storage_created_at','10 1');
INSERT INTO sqlite_stat1 VALUES('storage','storage_created_by_id','10 2');
INSERT INTO sqlite_stat1 VALUES('transform','sqlite_autoindex_transform_1','1000 1');
INSERT INTO sqlite_stat1 VALUES('transform','transform_key','1000 3');
INSERT INTO sqlite_stat1 VALUES('transform','transform_name','1000 3');
INSERT INTO sqlite_stat1 VALUES('transform','transform_hash','1000 3');
INSERT INTO sqlite_stat1 VALUES('transform','transform_created_at','1000 1');
INSERT INTO sqlite_stat1 VALUES('transform','transform_created_by_id','1000 100');
INSERT INTO sqlite_stat1 VALUES('transform','transform_stem_uid','1000 2');
INSERT INTO sqlite_stat1 VALUES('transform','transform_latest','1000 1');
INSERT INTO sqlite_stat1 VALUES('run','sqlite_autoindex_run_1','10000 1');
INSERT INTO sqlite_stat1 VALUES('run','run_transform_id','10000 10');
INSERT INTO sqlite_stat1 VALUES('run','run_started_at','10000 1');
INSERT INTO sqlite_stat1 VALUES('run','run_created_at','10000 1');
INSERT INTO sqlite_stat1 VALUES('run','run_created_by_id','10000 1000');
INSERT INTO sqlite_stat1 VALUES('artifact_input_of','artifact_input_of','3000000 300 1');
INSERT INTO sqlite_stat1 VALUES('artifact_input_of','artifact_input_of_artifact_id','3000000 3');
INSERT INTO sqlite_stat1 VALUES('collection_input_of','collection_input_of','30000 3 1');
INSERT INTO sqlite_stat1 VALUES('collection_input_of','collection_input_of_collection_id','30000 3');
INSERT INTO sqlite_stat1 VALUES('ulabel','sqlite_autoindex_ulabel_1','1000 1');
INSERT INTO sqlite_stat1 VALUES('ulabel','sqlite_autoindex_ulabel_2','1000 1');
INSERT INTO sqlite_stat1 VALUES('ulabel','ulabel_type_id','1000 2');
INSERT INTO sqlite_stat1 VALUES('ulabel','ulabel_created_at','1000 1');
INSERT INTO sqlite_stat1 VALUES('ulabel','ulabel_created_by_id','1000 100');
INSERT INTO sqlite_stat1 VALUES('artifact_ulabel','artifact_ulabel','3000000 3000 1');
INSERT INTO sqlite_stat1 VALUES('artifact_ulabel','artifact_ulabel_artifact_id','3000000 3');
INSERT INTO sqlite_stat1 VALUES('collection_ulabel','collection_ulabel','30000 30 1');
INSERT INTO sqlite_stat1 VALUES('collection_ulabel','collection_ulabel_collection_id','30000 3');
INSERT INTO sqlite_stat1 VALUES('feature','sqlite_autoindex_feature_1','100000 1');
INSERT INTO sqlite_stat1 VALUES('feature','feature_name','100000 3');
INSERT INTO sqlite_stat1 VALUES('feature','feature_created_at','100000 1');
INSERT INTO sqlite_stat1 VALUES('feature','feature_created_by_id','100000 10000');
INSERT INTO sqlite_stat1 VALUES('feature','feature_name_dtype','100000 1 1');
INSERT INTO sqlite_stat1 VALUES('featureset_feature','featureset_feature','300000 30 1');
INSERT INTO sqlite_stat1 VALUES('featureset_feature','featureset_feature_feature_id','300000 3 1');
INSERT INTO sqlite_stat1 VALUES('featureset','sqlite_autoindex_featureset_1','10000 1');
INSERT INTO sqlite_stat1 VALUES('featureset','featureset_name','10000 3');
INSERT INTO sqlite_stat1 VALUES('featureset','sqlite_autoindex_featureset_2','10000 1');
INSERT INTO sqlite_stat1 VALUES('featureset','featureset_created_at','10000 1');
INSERT INTO sqlite_stat1 VALUES('featureset','featureset_created_by_id','10000 1000');
INSERT INTO sqlite_stat1 VALUES('artifact_featureset','artifact_featureset','3000000 300 1 1');
INSERT INTO sqlite_stat1 VALUES('artifact_featureset','artifact_featureset_artifact_id','3000000 3');
INSERT INTO sqlite_stat1 VALUES('collection_featureset','collection_featureset','30000 3 1 1');
INSERT INTO sqlite_stat1 VALUES('collection_featureset','collection_featureset_collection_id','30000 3');
INSERT INTO sqlite_stat1 VALUES('artifact','sqlite_autoindex_artifact_1','1000000 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_key','1000000 3');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_description','1000000 3');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_storage_id','1000000 100000 100000 1 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_path','1000000 3');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_suffix','1000000 100000 100000 1 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_otype','1000000 100000 100000 1 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_hash','1000000 3');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_visibility','1000000 100000 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_transform_id','1000000 1000 1000 1 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_run_id','1000000 100 100 1 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_created_at','1000000 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_created_by_id','1000000 100000 100000 1 1');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_stem_uid','1000000 2');
INSERT INTO sqlite_stat1 VALUES('artifact','artifact_latest','1000000 1');
INSERT INTO sqlite_stat1 VALUES('artifact_previous_run','artifact_previous_run','3000000 3 1');
INSERT INTO sqlite_stat1 VALUES('artifact_previous_run','artifact_previous_run_run_id','3000000 300');
INSERT INTO sqlite_stat1 VALUES('collection_artifact','collection_artifact','3000000 300 1');
INSERT INTO sqlite_stat1 VALUES('collection_artifact','collection_artifact_artifact_id','3000000 3 1');
INSERT INTO sqlite_stat1 VALUES('collection','sqlite_autoindex_collection_1','10000 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_name','10000 3');
INSERT INTO sqlite_stat1 VALUES('collection','collection_key','10000 3');
INSERT INTO sqlite_stat1 VALUES('collection','collection_description','10000 3');
INSERT INTO sqlite_stat1 VALUES('collection','collection_hash','10000 3');
INSERT INTO sqlite_stat1 VALUES('collection','collection_meta_artifact_id','10000 2 2 1 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_artifact_id','10000 2 2 1 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_visibility','10000 1000 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_transform_id','10000 10 10 1 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_run_id','10000 2 2 1 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_created_at','10000 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_created_by_id','10000 1000 1000 1 1');
INSERT INTO sqlite_stat1 VALUES('collection','collection_stem_uid','10000 2');
INSERT INTO sqlite_stat1 VALUES('collection','collection_latest','10000 1');
INSERT INTO sqlite_stat1 VALUES('collection_previous_run','collection_previous_run','30000 3 1');
INSERT INTO sqlite_stat1 VALUES('collection_previous_run','collection_previous_run_run_id','30000 3');
CREATE TABLE retired (model TEXT NOT NULL, stem TEXT NOT NULL, last TEXT NOT NULL, PRIMARY KEY (model, stem)) STRICT, WITHOUT ROWID;
INSERT INTO retired VALUES('artifact','abcdefghijklmnop','0003');
CREATE TABLE concealed (model TEXT NOT NULL, uid TEXT NOT NULL, PRIMARY KEY (model, uid)) STRICT, WITHOUT ROWID;
INSERT INTO concealed VALUES('artifact','dRMP4bqqsUMAmX0a0000');
CREATE TABLE collection_artifact (
			collection_id INTEGER NOT NULL REFERENCES "collection" (id) ON DELETE CASCADE,
			position INTEGER NOT NULL,
			artifact_id INTEGER NOT NULL REFERENCES "artifact" (id) ON DELETE RESTRICT,
			PRIMARY KEY (collection_id, position)
		) STRICT, WITHOUT ROWID;
INSERT INTO collection_artifact VALUES(1,1,1);
INSERT INTO collection_artifact VALUES(2,0,1);
INSERT INTO collection_artifact VALUES(1,0,3);
CREATE TABLE featureset_feature (
			featureset_id INTEGER NOT NULL REFERENCES "featureset" (id) ON DELETE CASCADE,
			position INTEGER NOT NULL,
			feature_id INTEGER NOT NULL REFERENCES "feature" (id) ON DELETE RESTRICT,
			PRIMARY KEY (featureset_id, position)
		) STRICT, WITHOUT ROWID;
INSERT INTO featureset_feature VALUES(1,0,1);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('user',1);
INSERT INTO sqlite_sequence VALUES('storage',1);
INSERT INTO sqlite_sequence VALUES('transform',1);
INSERT INTO sqlite_sequence VALUES('run',1);
INSERT INTO sqlite_sequence VALUES('artifact',3);
INSERT INTO sqlite_sequence VALUES('collection',2);
INSERT INTO sqlite_sequence VALUES('ulabel',1);
INSERT INTO sqlite_sequence VALUES('feature',1);
INSERT INTO sqlite_sequence VALUES('featureset',1);
CREATE INDEX user_created_at ON "user" ("created_at");
CREATE INDEX storage_created_at ON "storage" ("created_at");
CREATE INDEX storage_created_by_id ON "storage" ("created_by_id");
CREATE INDEX transform_key ON "transform" ("key");
CREATE INDEX transform_name ON "transform" ("name");
CREATE INDEX transform_hash ON "transform" ("hash");
CREATE INDEX transform_created_at ON "transform" ("created_at");
CREATE INDEX transform_created_by_id ON "transform" ("created_by_id");
CREATE UNIQUE INDEX transform_latest ON "transform" (stem_uid) WHERE is_latest;
CREATE INDEX transform_stem_uid ON "transform" (stem_uid);
CREATE INDEX run_transform_id ON "run" ("transform_id");
CREATE INDEX run_started_at ON "run" ("started_at");
CREATE INDEX run_created_at ON "run" ("created_at");
CREATE INDEX run_created_by_id ON "run" ("created_by_id");
CREATE INDEX ulabel_type_id ON "ulabel" ("type_id");
CREATE INDEX ulabel_created_at ON "ulabel" ("created_at");
CREATE INDEX ulabel_created_by_id ON "ulabel" ("created_by_id");
CREATE INDEX feature_name ON "feature" ("name");
CREATE INDEX feature_created_at ON "feature" ("created_at");
CREATE INDEX feature_created_by_id ON "feature" ("created_by_id");
CREATE INDEX featureset_name ON "featureset" ("name");
CREATE INDEX featureset_created_at ON "featureset" ("created_at");
CREATE INDEX featureset_created_by_id ON "featureset" ("created_by_id");
CREATE INDEX artifact_key ON "artifact" ("key");
CREATE INDEX artifact_description ON "artifact" ("description");
CREATE INDEX artifact_hash ON "artifact" ("hash");
CREATE INDEX artifact_created_at ON "artifact" ("created_at");
CREATE UNIQUE INDEX artifact_latest ON "artifact" (stem_uid) WHERE is_latest;
CREATE INDEX artifact_stem_uid ON "artifact" (stem_uid);
CREATE INDEX collection_name ON "collection" ("name");
CREATE INDEX collection_key ON "collection" ("key");
CREATE INDEX collection_description ON "collection" ("description");
CREATE INDEX collection_hash ON "collection" ("hash");
CREATE INDEX collection_created_at ON "collection" ("created_at");
CREATE UNIQUE INDEX collection_latest ON "collection" (stem_uid) WHERE is_latest;
CREATE INDEX collection_stem_uid ON "collection" (stem_uid);
CREATE INDEX artifact_input_of_artifact_id ON artifact_input_of (artifact_id);
CREATE INDEX collection_input_of_collection_id ON collection_input_of (collection_id);
CREATE INDEX artifact_ulabel_artifact_id ON artifact_ulabel (artifact_id);
CREATE INDEX collection_ulabel_collection_id ON collection_ulabel (collection_id);
CREATE INDEX artifact_featureset_artifact_id ON artifact_featureset (artifact_id);
CREATE INDEX collection_featureset_collection_id ON collection_featureset (collection_id);
CREATE INDEX artifact_previous_run_run_id ON artifact_previous_run (run_id);
CREATE INDEX collection_previous_run_run_id ON collection_previous_run (run_id);
CREATE INDEX artifact_path ON artifact (path);
CREATE UNIQUE INDEX feature_name_dtype ON feature (name, dtype);
CREATE INDEX artifact_visibility ON "artifact" (visibility, created_at) WHERE visibility > 0;
CREATE INDEX collection_visibility ON "collection" (visibility, created_at) WHERE visibility > 0;
CREATE INDEX artifact_storage_id ON "artifact" ("storage_id", visibility, created_at, key);
CREATE INDEX artifact_suffix ON "artifact" ("suffix", visibility, created_at, key);
CREATE INDEX artifact_otype ON "artifact" ("otype", visibility, created_at, key);
CREATE INDEX artifact_transform_id ON "artifact" ("transform_id", visibility, created_at, key);
CREATE INDEX artifact_run_id ON "artifact" ("run_id", visibility, created_at, key);
CREATE INDEX artifact_created_by_id ON "artifact" ("created_by_id", visibility, created_at, key);
CREATE INDEX collection_meta_artifact_id ON "collection" ("meta_artifact_id", visibility, created_at, key);
CREATE INDEX collection_artifact_id ON "collection" ("artifact_id", visibility, created_at, key);
CREATE INDEX collection_transform_id ON "collection" ("transform_id", visibility, created_at, key);
CREATE INDEX collection_run_id ON "collection" ("run_id", visibility, created_at, key);
CREATE INDEX collection_created_by_id ON "collection" ("created_by_id", visibility, created_at, key);
CREATE UNIQUE INDEX collection_artifact_artifact_id ON collection_artifact (artifact_id, collection_id);
CREATE UNIQUE INDEX featureset_feature_feature_id ON featureset_feature (feature_id, featureset_id);
ALTER TABLE "artifact" ADD COLUMN "rest_hash" TEXT;
UPDATE artifact SET rest_hash = 'bWVvdyBhbmQgd29vZiBvcg' WHERE id = 1;
COMMIT;
