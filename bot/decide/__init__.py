"""What does a request come to? Pure functions `(deployment, request, now) -> Change`, or Refused."""
