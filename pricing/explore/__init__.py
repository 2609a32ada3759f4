"""The live page: a deal's knobs in, and the answer out, in a browser on this machine (extra `firstloss[explore]`)."""
