"""A stand-in for Pulumi's AWS provider in front of a moto server."""
