"""The draw ``LPM-INT-1``: exact chances, spread over the map, replayable from a seed."""
