"""What a W&B server is asked, in GraphQL."""

from __future__ import annotations

FIELDS = """
    bucket(name: $name%s, missingOk: true) {
      id name displayName state summaryMetrics logLineCount historyLineCount eventsLineCount
      historyTail eventsTail config tags notes
    }
"""

HISTORY = """
query HistoryPage($entity: String!, $project: String!, $run: String!, $minStep: Int64!, $maxStep: Int64!, $pageSize: Int!) {
  project(name: $project, entityName: $entity) {
    run(name: $run) { history(minStep: $minStep, maxStep: $maxStep, samples: $pageSize) }
  }
}
"""

VIEWER = "query TrackerliteViewer { viewer { id entity username } }"

FILES = """
query TrackerliteFiles($entity: String!, $project: String!, $name: String!, $names: [String], $after: String) {
  project(name: $project, entityName: $entity) {
    run(name: $name) {
      files(names: $names, after: $after, first: 500) {
        edges { node { name sizeBytes } }
        pageInfo { endCursor hasNextPage }
      }
    }
  }
}
"""

ARTIFACTS = """
query TrackerliteArtifacts($entity: String!, $project: String!, $name: String!, $after: String) {
  project(name: $project, entityName: $entity) {
    run(name: $name) {
      outputArtifacts(after: $after, first: 100) {
        edges { node {
          digest versionIndex state aliases { alias } artifactType { name } artifactSequence { name }
        } }
        pageInfo { endCursor hasNextPage }
      }
    }
  }
}
"""

ARTIFACT = """
query TrackerliteArtifact($entity: String!, $project: String!, $name: String!) {
  project(name: $project, entityName: $entity) {
    artifact(name: $name) { id digest artifactType { name } }
  }
}
"""

SUMMARY = """
mutation UpsertBucket($id: String, $summaryMetrics: JSONString) {
  upsertBucket(input: {id: $id, summaryMetrics: $summaryMetrics}) { bucket { id } }
}
"""

LABELS = """
mutation UpsertBucket($id: String, $displayName: String, $notes: String, $tags: [String!]) {
  upsertBucket(input: {id: $id, displayName: $displayName, notes: $notes, tags: $tags}) { bucket { id } }
}
"""

ALERT = """
mutation NotifyScriptableRunAlert(
  $entityName: String!, $projectName: String!, $runName: String!, $title: String!, $text: String!
  $severity: AlertSeverity = INFO, $waitDuration: Duration
) {
  notifyScriptableRunAlert(input: {
    entityName: $entityName, projectName: $projectName, runName: $runName
    title: $title, text: $text, severity: $severity, waitDuration: $waitDuration
  }) { success }
}
"""

USE = """
mutation UseArtifact($input: UseArtifactInput!) {
  useArtifact(input: $input) { artifact { id } }
}
"""
