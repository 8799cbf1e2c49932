"""The training methods in exact integer arithmetic: the specification that devices are held to."""
