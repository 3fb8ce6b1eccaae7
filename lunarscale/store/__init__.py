"""What is kept: sharded Zarr v3 cubes, written shard by shard, whole or not at all."""
