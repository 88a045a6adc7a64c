plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "org.soundstream.tflite"
    compileSdk = libs.versions.compile.sdk.get().toInt()

    defaultConfig {
        minSdk = libs.versions.min.sdk.get().toInt()
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
}

dependencies {
    api(project(":codec"))
    implementation(libs.litert)
}
