"""Documents -> chunks -> questions -> triplets with hard negatives."""
