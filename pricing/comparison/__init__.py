"""One result beside another: two deals, a model and a servicer's report, a price today and at issue."""
