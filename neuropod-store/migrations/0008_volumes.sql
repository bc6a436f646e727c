-- Before each start the platform asks which pods of the owner may take the volume with them, and before a volume is deleted
-- who else has it. Documents of layout 1 have the name of the volume in another field.
ALTER TABLE pods ADD COLUMN volume TEXT AS (
    COALESCE(json_extract(document, '$.kubernetesResources.pvcName'), json_extract(document, '$.spec.volume'))
) VIRTUAL;
-- 1: deleted, or its volume has a time of deletion.
ALTER TABLE pods ADD COLUMN may_take_volume INTEGER AS (
    deleted OR json_extract(document, '$.volumeDeletion') IS NOT NULL
) VIRTUAL;

CREATE INDEX pods_by_volume ON pods (owner, volume, created_at, id);
CREATE INDEX pods_that_may_take_a_volume ON pods (owner, volume, may_take_volume, created_at, id);
