"""PyTorch weights to a quantised .tflite: conversion, recipes, memory."""
