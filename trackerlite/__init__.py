"""An offline-first experiment tracker."""
