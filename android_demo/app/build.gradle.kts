plugins {
    alias(libs.plugins.android.application)
}

// Another model: ./gradlew installDebug -PmodelDir=/path/to/exported/model
val modelDir = file(providers.gradleProperty("modelDir").getOrElse("../../pretrained/speech"))
val generatedAssets = layout.buildDirectory.dir("generated/model-assets")

val copyModel by tasks.registering(Sync::class) {
    from(modelDir) {
        include("*.tflite", "metadata.json", "entropy_tables.bin")
    }
    into(generatedAssets.map { it.dir("model") })
    doFirst {
        require(modelDir.resolve("metadata.json").isFile) { "$modelDir holds no exported model" }
    }
}

android {
    namespace = "org.soundstream.demo"
    compileSdk = libs.versions.compile.sdk.get().toInt()

    defaultConfig {
        applicationId = "org.soundstream.demo"
        minSdk = libs.versions.min.sdk.get().toInt()
        targetSdk = libs.versions.target.sdk.get().toInt()
        versionCode = 1
        versionName = "1.0"
    }

    androidResources {
        noCompress += listOf("tflite", "json", "bin") // mapped into memory as they are
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    sourceSets["main"].assets.srcDir(generatedAssets)
}

tasks.named("preBuild") {
    dependsOn(copyModel)
}

dependencies {
    implementation(project(":codec-tflite"))
    implementation(libs.androidx.core)
}
