"""The commands of `firstloss`, one file each; `pricing.cli` puts them together."""
